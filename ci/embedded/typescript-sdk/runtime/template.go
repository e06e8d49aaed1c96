package main

import (
	"fmt"
	"strings"
	"unicode"
)

// template is the first file of a module that has none: `dagger init --sdk typescript`.
func template(name string) string {
	return fmt.Sprintf(`import { dag, Container, object, func } from "@dagger.io/dagger"

@object()
export class %s {
  /** Returns a container that echoes the given text. */
  @func()
  echo(text: string): Container {
    return dag.container().from("debian:stable-slim").withExec(["echo", text])
  }
}
`, pascal(name))
}

func pascal(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for i, word := range words {
		words[i] = strings.ToUpper(word[:1]) + word[1:]
	}
	return strings.Join(words, "")
}
