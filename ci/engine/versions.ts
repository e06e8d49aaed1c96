/** The Dagger version of CLI, engine, SDK and `engineVersion`: a test holds them together. */
export const DAGGER_VERSION = "v0.19.10"
