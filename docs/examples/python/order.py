"""Asks Orderline for one order over Redis, and prints what becomes of it.

REDIS_URL=… PRODUCER=shop-eu WEBHOOK_SECRET=whsec_… PORT=8900 python order.py 100045
"""

import json
import os
import sys

import redis
from receive import Receiver

intent_id = sys.argv[1]
intent = {
    "intent_id": intent_id,
    "provider": "hyperteknoloji",
    "lines": [{"deliver_id": f"{intent_id}-1", "quantity": 1, "customer_store_product_id": 1}],
}

receiver = Receiver(int(os.environ["PORT"]), os.environ["WEBHOOK_SECRET"])

# Unsure whether it arrived? Send it again: the same intent_id is the same order.
with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
    client.xadd(f"orderline:intents:{os.environ['PRODUCER']}", {"intent": json.dumps(intent)})
print("sent", intent_id, flush=True)

state = None
for message in receiver.until_ended(intent_id):
    data = message["data"]
    state = data.get("state")
    print(message["type"], data.get("deliver_id", data.get("detail")), data["sequence"], flush=True)
sys.exit(state != "delivered")
