import { Scene, git } from "./git/fixtures.ts"

/** A GitOps repository of a test's own, so that the machine's own one stays as it is. */
export class OwnGitOps {
  readonly scene = new Scene()
  readonly bare = this.scene.bare()
  /** For `./daggerw call`; goes before the one that the wrapper hands in. */
  flag = ""

  async serve(): Promise<void> {
    this.flag = `--gitops-service=tcp://127.0.0.1:${await this.scene.daemon()}`
  }

  tip(): string {
    return git(["-C", this.bare, "for-each-ref", "--format=%(objectname)", "refs/heads/main"]).trim()
  }

  message(): string {
    return git(["-C", this.bare, "log", "-1", "--format=%B", "main"])
  }

  show(path: string): string {
    return git(["-C", this.bare, "show", `main:${path}`])
  }

  close(): void {
    this.scene.close()
  }
}
