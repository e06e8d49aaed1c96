import { readSecurityData, type SecurityData } from "./lib/debian-sources.ts";
import { type Context, fetchingRecipe } from "./mirrors.ts";
import { debian } from "./toolbox.ts";

/**
 * What Debian's security suite fixes as of today. Debian publishes only the
 * versions that carry a fix, not how grave it is; no vulnerability database is
 * needed, and what is compared is signed by Debian.
 */
export async function securityData(context: Context, now: Date = new Date()): Promise<SecurityData> {
  // The day is part of the cache's key: yesterday's answer is not asked again today.
  const day = now.toISOString().slice(0, 10);
  const fresh = debian(context)
    .withEnvVariable("INDEX_OF", day)
    .withEnvVariable("APT_SOURCES", "yes")
    .withEnvVariable("APT_SECURITY_ONLY", "yes");
  const fetched = (await fetchingRecipe(context, fresh, "security-data", ["/out"])).directory("/out");
  const [release, sources] = await Promise.all([fetched.file("Release").contents(), fetched.file("Sources").contents()]);
  return readSecurityData(release, sources, now);
}
