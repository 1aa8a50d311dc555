/** Traces as the engine writes them. */

import { type Trace } from './trace'

function object(members: [key: string, json: string][]): string {
  return `{${members.map(([key, json]) => `${JSON.stringify(key)}:${json}`).join(',')}}`
}

/** One line, to the letter what the engine writes: JavaScript's numbers are spelled in another way, and its objects sort their keys. */
export function jsonOf(trace: Trace): string {
  const json = (members: object, own: string, text: () => string | undefined) =>
    object(Object.entries(members).map(([key, item]) => [key, key === own ? (text() as string) : JSON.stringify(item)]))
  const whole = trace.toJSON()
  return json(whole, 'result', () => json(whole.result, 'value', () => trace.valueText))
}
