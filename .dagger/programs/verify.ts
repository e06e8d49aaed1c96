/** Verifies images one after the other: reads a list of inputs, writes a list of verdicts; the first refusal ends it. */
import { readFile } from "node:fs/promises";
import type { VerifyInput, VerifyResult } from "../src/lib/signing.ts";
import { answering, byAddress, publicHalf } from "./cosign.ts";
import { told, verify } from "./verify-image.ts";

const PUBLIC_KEY = "/tmp/cosign.pub";

await answering(async (file) => {
  const results: VerifyResult[] = [];
  for (const input of JSON.parse(await readFile(file, "utf8")) as VerifyInput[]) {
    const { trust } = input;
    const place = await byAddress(input);
    if ("keyFile" in trust) await publicHalf(trust, PUBLIC_KEY, `verifying ${input.name}`);
    results.push(told(await verify({ ...place, trust: "keyFile" in trust ? { publicKey: PUBLIC_KEY } : trust })));
  }
  return results;
});
