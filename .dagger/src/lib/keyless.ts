/** Whom cosign asks when it signs without a key, and who of them failed it: pure. */

interface Party {
  /** As it shows in cosign's last line, once the image's name is out of it. */
  trace: RegExp;
  noun: string;
}

// The root goes first: cosign names Rekor, too, where it could not fetch Rekor's public key.
const PARTIES: readonly Party[] = [
  { trace: /\btuf\b|root\.json/i, noun: "the trust root of Sigstore (TUF), which says whose certificates count," },
  { trace: /fulcio|signingCert/i, noun: "Fulcio, which makes the certificate for an identity token," },
  { trace: /rekor|\/api\/v1\/log/i, noun: "Rekor, the transparency log," },
];
const NO_ANSWER = /dial tcp|no such host|connection refused|timeout|deadline exceeded|x509|TLS|EOF|reset by peer|unreachable/i;
const TOKEN = /identity provider|token|JWS|jose|Authorization|\b40[013]\b/i;

/**
 * Who failed, what was asked and what to do, when it was not the registry; cosign's last line is read. A signature that
 * is verified may itself name any of them, so there only one that does not answer counts.
 */
export function explainKeyless(line: string, doing: "sign" | "verify"): string | undefined {
  const words = line.replace(/\S+@sha256:[0-9a-f]{64}\S*/g, "");
  const party = PARTIES.find(({ trace }) => trace.test(words));
  if (party === undefined) return undefined;
  const [, asking, said] = /"(https?:\/\/[^"\s]+)": (.*)$/.exec(words) ?? [];
  const address = asking === undefined || !URL.canParse(asking) ? undefined : new URL(asking);
  const asked = address === undefined ? "" : ` was asked at ${address.origin} and`;
  const why = said ?? words.split(": ").slice(-2).join(": ");
  if (NO_ANSWER.test(why)) {
    return `${party.noun}${asked} does not answer (${why}); let the engine reach ${address?.host ?? "it"}, or sign and verify with a key (--signing-key, --verify-key), which asks nobody but the registry`;
  }
  if (doing === "verify") return undefined;
  if (TOKEN.test(why)) return `${party.noun}${asked} did not take the identity token (${why}); give a fresh OIDC token for the audience sigstore, or sign with a key (--signing-key)`;
  return `${party.noun}${asked} failed (${why}); look at its state, or sign with a key (--signing-key)`;
}
