// Sigmic, as its documentation's Node example does it: a form, a stream read by position, a cancel.
const [base, key] = process.argv.slice(2);
const headers = { Authorization: `Bearer ${key}` };

const form = new FormData();
form.append("message", "count until I stop you");
const created = await (await fetch(`${base}/api/v1/tasks`, { method: "POST", headers, body: form })).json();
const url = `${base}/api/v1/tasks/${created.data.id}`;

const stream = await fetch(`${url}/stream`, { headers });
const decoder = new TextDecoder();
let rest = "";
const seen = [];
for await (const chunk of stream.body) {
  rest += decoder.decode(chunk, { stream: true });
  const frames = rest.split("\n\n");
  rest = frames.pop();
  for (const frame of frames) {
    if (frame.startsWith(":")) continue;
    const lines = frame.split("\n");
    const type = lines[0].replace("event: ", "");
    JSON.parse(lines[1].replace("data: ", ""));
    seen.push(type);
    if (type === "content" && seen.filter((each) => each === "content").length === 2) {
      const cancelled = await (await fetch(url, { method: "DELETE", headers })).json();
      console.log(cancelled.data.message);
    }
  }
}
const task = await (await fetch(url, { headers })).json();
console.log(task.data.status, seen.includes("done"));
