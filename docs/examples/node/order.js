// Asks Orderline for one order over Redis, and believes only what is signed.
//
//     REDIS_URL=… PRODUCER=shop-eu WEBHOOK_SECRET=whsec_… PORT=8900 node order.js 100045
import { createServer } from "node:http";
import { createClient } from "redis";
import { Webhook } from "standardwebhooks";

const { REDIS_URL, PRODUCER, WEBHOOK_SECRET, PORT } = process.env;
const intentId = process.argv[2];
const ends = new Set(["delivered", "refused", "failed", "cancelled", "expired"]);

const intent = {
  intent_id: intentId,
  provider: "hyperteknoloji",
  lines: [{ deliver_id: `${intentId}-1`, quantity: 1, customer_store_product_id: 1 }],
};

const webhook = new Webhook(WEBHOOK_SECRET);
const heard = new Set(); // a shop keeps these in its database, in the commit that acts on the news

const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  let message;
  try {
    // The raw body: parsed and written again it would have another signature.
    message = webhook.verify(Buffer.concat(chunks).toString("utf8"), request.headers);
  } catch {
    response.writeHead(401).end();
    return;
  }
  const id = request.headers["webhook-id"];
  if (!heard.has(id)) {
    heard.add(id);
    take(message);
  }
  response.writeHead(200).end();
});

function take({ type, data }) {
  if (data.intent_id !== intentId) return;
  console.log(type, data.deliver_id ?? data.detail, data.sequence);
  if (type.startsWith("intent.") || ends.has(data.state)) {
    process.exitCode = data.state === "delivered" ? 0 : 1;
    server.close();
  }
}

server.listen(Number(PORT), "127.0.0.1", async () => {
  const redis = await createClient({ url: REDIS_URL }).connect();
  // Unsure whether it arrived? Send it again: the same intent_id is the same order.
  await redis.xAdd(`orderline:intents:${PRODUCER}`, "*", { intent: JSON.stringify(intent) });
  console.log("sent", intentId);
  await redis.close();
});
