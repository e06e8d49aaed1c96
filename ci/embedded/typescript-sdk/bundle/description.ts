// The types of a module as the SDK's scan found them, in a form that can be kept as JSON.
// Stands in for the package's own classes, which need the TypeScript compiler.

type Json = Record<string, any>

class Located {
  declare location: { filepath: string; line: number; column: number }
  getLocation(): Located["location"] {
    return this.location
  }
}

class WithArguments extends Located {
  declare arguments: Json
  getArgsOrder(): string[] {
    return Object.keys(this.arguments)
  }
}

export class DaggerObject extends Located {
  kind(): "class" {
    return "class"
  }
}

export class DaggerTypeObject extends Located {
  kind(): "object" {
    return "object"
  }
}

export class DaggerEnum extends Located {}
export class DaggerEnumClass extends Located {}
class DaggerInterface extends Located {}

const CLASSES: Record<string, { prototype: object }> = { DaggerObject, DaggerTypeObject, DaggerEnum, DaggerEnumClass, DaggerInterface }

const FIELDS = [
  "name", "description", "deprecated", "alias", "cache", "isCheck", "isExposed", "type", "returnType", "value",
  "isVariadic", "isNullable", "isOptional", "defaultPath", "ignore", "defaultValue",
]
/** Fields that hold more of the same, by name. */
const PARTS = ["methods", "properties", "functions", "arguments", "values"]
const GROUPS = ["objects", "enums", "interfaces"]

/** The scan's result as plain data. */
export function describe(module: Json): Json {
  const one = (from: Json): Json => {
    const to: Json = {}
    for (const field of FIELDS) if (from[field] !== undefined) to[field] = from[field]
    for (const part of PARTS) if (from[part]) to[part] = each(from[part], one)
    if (from["_constructor"]) to["_constructor"] = one(from["_constructor"])
    if (from["getLocation"]) to["location"] = from["getLocation"]()
    return to
  }
  const described: Json = { name: module["name"], description: module["description"] }
  for (const group of GROUPS) described[group] = each(module[group], (from) => ({ class: from.constructor.name, ...one(from) }))
  return described
}

/** The scan's result again, as the SDK's own code expects it. */
export function revive(described: Json): any {
  const one = (from: Json, prototype: object): Json => {
    const to = Object.assign(Object.create(prototype), from)
    for (const part of PARTS) if (from[part]) to[part] = each(from[part], (member) => one(member, (member.arguments ? WithArguments : Located).prototype))
    if (from["_constructor"]) to["_constructor"] = one(from["_constructor"], WithArguments.prototype)
    return to
  }
  const module: Json = { ...described }
  for (const group of GROUPS) module[group] = each(described[group], (from) => one(from, (CLASSES[from["class"]] ?? Located).prototype))
  return module
}

function each(parts: Json, change: (part: any) => any): Json {
  return Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, change(part)]))
}
