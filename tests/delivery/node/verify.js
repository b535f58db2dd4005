// Verifies with the npm package "standardwebhooks" what was really sent. Reads a JSON list of
// cases on stdin, prints one JSON list: true, or the error's message. A body is base64 of its bytes.
const { Webhook } = require("standardwebhooks");

const cases = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const verified = cases.map(({ secret, headers, body }) => {
  try {
    const text = Buffer.from(body, "base64").toString("utf8");
    const parsed = new Webhook(secret).verify(text, headers);
    return JSON.stringify(parsed) === JSON.stringify(JSON.parse(text)) || "another document";
  } catch (error) {
    return error.message;
  }
});
process.stdout.write(JSON.stringify(verified));
