// Trigger.dev's 2.x client, whose `cancelRun` the CRM's own code calls, asked line by line.
import { createInterface } from "node:readline";
import { TriggerClient } from "@trigger.dev/sdk";

const [apiUrl, apiKey] = process.argv.slice(2);
const triggerClient = new TriggerClient({ id: "crm", apiUrl, apiKey });

const answers = {
  cancel: async (id) => (await triggerClient.cancelRun(id)).id,
  start: async (id) => {
    await triggerClient.sendEvent({ id, name: "report", payload: { seconds: 600 } });
    return (await triggerClient.getEvent(id)).runs[0].id;
  },
  show: async (id) => {
    const run = await triggerClient.getRun(id);
    return [run.status, run.tasks.length].join(" ");
  },
};
for await (const line of createInterface({ input: process.stdin })) {
  const [what, id] = line.split(" ");
  console.log(await answers[what](id).catch(() => "refused"));
}
