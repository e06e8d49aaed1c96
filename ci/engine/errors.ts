/** A message that is already the sentence for a person: what was done, what was found, what to do. */
export class UserError extends Error {
  override name = "UserError"
}
