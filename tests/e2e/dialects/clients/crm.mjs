// The CRM's own pages: queue, poll, cancel, and what a second cancel is answered.
const [base, key] = process.argv.slice(2);
const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };

const body = JSON.stringify({ taskType: "report_generation", agent: "analytics", input: {} });
const queued = await (await fetch(`${base}/api/ai/agent`, { method: "POST", headers, body })).json();
let status;
do {
  status = (await (await fetch(base + queued.statusUrl, { headers })).json()).task.status;
} while (status === "queued");
const cancel = () => fetch(`${base}/api/ai/agent/${queued.taskId}`, { method: "DELETE", headers });
const first = await cancel();
console.log(first.status, (await first.json()).task.status);
const second = await cancel();
console.log(second.status, (await second.json()).error);
