"""Asks for one order by a Celery task, where that is all that a producer speaks.

Second best: until the task has run, the intent is only as safe as a Celery message on Redis.

    REDIS_URL=… PRODUCER=shop-eu WEBHOOK_SECRET=whsec_… PORT=8900 python order_with_celery.py 100045
"""

import os
import sys

from celery import Celery
from receive import Receiver

intent_id = sys.argv[1]
intent = {
    "intent_id": intent_id,
    "producer": os.environ["PRODUCER"],  # here no stream's key says it
    "provider": "hyperteknoloji",
    "lines": [{"deliver_id": f"{intent_id}-1", "quantity": 1, "customer_store_product_id": 1}],
}

receiver = Receiver(int(os.environ["PORT"]), os.environ["WEBHOOK_SECRET"])

app = Celery(broker=os.environ["REDIS_URL"])
app.conf.broker_transport_options = {"global_keyprefix": "orderline:celery:"}
# argsrepr: what Celery would otherwise show of the intent, in the message's headers.
app.send_task("order.submit", args=[intent], queue="submit", ignore_result=True, argsrepr="(…)")
print("sent", intent_id, flush=True)

state = None
for message in receiver.until_ended(intent_id):
    data = message["data"]
    state = data.get("state")
    print(message["type"], data.get("deliver_id", data.get("detail")), data["sequence"], flush=True)
sys.exit(state != "delivered")
