#!/bin/sh
# Verifies one webhook with openssl alone. It ends with 0 if it is genuine and not old.
#
#     WEBHOOK_SECRET=whsec_… sh verify.sh WEBHOOK-ID WEBHOOK-TIMESTAMP WEBHOOK-SIGNATURE < body
#
# A shop had better use a library of Standard Webhooks: those compare in constant time, and show
# the secret to nobody who lists processes.
set -eu
id=$1 timestamp=$2 signatures=$3

age=$(($(date +%s) - timestamp))
[ "$age" -le 300 ] && [ "$age" -ge -300 ] || exit 1

key=$(printf %s "${WEBHOOK_SECRET#whsec_}" | base64 -d | od -An -tx1 | tr -d ' \n')
ours=$({ printf '%s.%s.' "$id" "$timestamp" && cat; } |
    openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | base64)

# While a secret is rotated there are two, with a space between them.
for each in $signatures; do
    [ "$each" = "v1,$ours" ] && exit 0
done
exit 1
