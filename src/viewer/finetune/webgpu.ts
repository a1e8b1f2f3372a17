// Whether a page may use this machine's GPU.

/** Asked of the browser alone: whether an engine runs on it is found out when it is asked to. */
export async function hasWebgpu(): Promise<boolean> {
  const { gpu } = navigator as { gpu?: { requestAdapter(): Promise<unknown> } };
  const adapter = await gpu?.requestAdapter().catch(() => undefined);
  return adapter !== undefined && adapter !== null;
}
