#!/bin/sh
# Asks for one order at the gateway, and looks at it until it has ended.
#
#     GATEWAY=https://orders.example API_KEY=olk_… sh order.sh 100045
set -eu
intent_id=$1

# The key comes by standard input: arguments are seen by whoever lists processes.
ask() {
    printf 'header = "Authorization: Bearer %s"\n' "$API_KEY" |
        curl --silent --show-error --fail-with-body --retry 5 --config - "$@"
}

# Unsure whether it arrived? Send it again: the same intent_id is the same order.
answer=$(ask --data "{
    \"intent_id\": \"$intent_id\",
    \"provider\": \"hyperteknoloji\",
    \"lines\": [{\"deliver_id\": \"$intent_id-1\", \"quantity\": 1, \"customer_store_product_id\": 1}]
}" "$GATEWAY/v1/intents") || {
    echo "$answer" # the fault: what is wrong, and where
    exit 1
}
echo "sent $intent_id"

# 404 until a worker has taken it in. Webhooks tell the same sooner; verify.sh verifies one.
tries=300
while [ $((tries -= 1)) -gt 0 ]; do
    order=$(ask "$GATEWAY/v1/orders?intent_id=$intent_id" 2>/dev/null) || order=
    state=$(printf %s "$order" | sed -n 's/.*"lines":\[{[^[]*"state":"\([a-z_]*\)".*/\1/p')
    case $state in
        delivered) echo "$state" && exit ;;
        refused | failed | cancelled | expired) echo "$state" && exit 1 ;;
    esac
    sleep 1
done
echo "it has not ended yet"
exit 2
