// Trigger.dev's own SDK, asked line by line: what it sees of runs that somebody else started.
import { createInterface } from "node:readline";
import { configure, runs, tasks } from "@trigger.dev/sdk";

const [baseURL, accessToken] = process.argv.slice(2);
configure({ baseURL, accessToken });

const answers = {
  cancel: async (id) => (await runs.cancel(id)).id,
  start: async (key) => (await tasks.trigger("report", { seconds: 600 }, { idempotencyKey: key })).id,
  show: async (id) => {
    const run = await runs.retrieve(id);
    return [run.status, run.isExecuting, run.isCancelled, run.tags].join(" ");
  },
};
for await (const line of createInterface({ input: process.stdin })) {
  const [what, id] = line.split(" ");
  console.log(await answers[what](id).catch((error) => `refused ${error.status}`));
}
