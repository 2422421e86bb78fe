/** The fields of a job's hash that keep results of its steps begin with this, which no field of BullMQ does. */
const PREFIX = 's:'

export const stepField = (name: string): string => PREFIX + name

/** The results of steps in a job's fields, as JSON text by the name of the step. */
export function readSteps(fields: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  let steps: Map<string, string> | undefined
  for (const field in fields) {
    if (field.startsWith(PREFIX)) {
      steps ??= new Map()
      steps.set(field.slice(PREFIX.length), fields[field] as string)
    }
  }
  return steps ?? NONE
}

const NONE: ReadonlyMap<string, string> = new Map()
