/** Kubernetes quantities, as far as a service may ask for them. */

const UNITS: Record<string, number> = {
  Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30,
  k: 10 ** 3, M: 10 ** 6, G: 10 ** 9,
};

/** Thousandths of a core, or undefined where the text is not a CPU quantity above zero. */
export function milliCores(text: string): number | undefined {
  const milli = /^(\d{1,7})m$/.exec(text);
  const cores = /^(\d{1,4})(?:\.(\d{1,3}))?$/.exec(text);
  let amount: number;
  if (milli) amount = Number(milli[1]);
  else if (cores) amount = Number(cores[1]) * 1000 + Number((cores[2] ?? "").padEnd(3, "0"));
  else return undefined;
  return amount > 0 ? amount : undefined;
}

/** Bytes, or undefined where the text is not a memory quantity with a unit. */
export function memoryBytes(text: string): number | undefined {
  const match = /^(\d{1,9})(Ki|Mi|Gi|k|M|G)$/.exec(text);
  if (!match) return undefined;
  const bytes = Number(match[1]) * UNITS[match[2]!]!;
  return bytes > 0 ? bytes : undefined;
}

/** Twice a memory quantity, in the same unit. */
export function doubleMemory(text: string): string {
  const match = /^(\d+)(\D+)$/.exec(text);
  if (!match) throw new Error(`doubleMemory: "${text}" is not a memory quantity`);
  return `${Number(match[1]) * 2}${match[2]}`;
}
