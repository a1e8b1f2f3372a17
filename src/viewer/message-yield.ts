// Lets a worker's messages in between two pieces of work.

/** Comes back after messages that have arrived; a timer would come back after 4 ms at the least. */
export function createMessageYield(): () => Promise<void> {
  const { port1, port2 } = new MessageChannel();
  let resume = () => {};
  port1.onmessage = () => resume();
  return () =>
    new Promise((resolve) => {
      resume = resolve;
      port2.postMessage(null);
    });
}
