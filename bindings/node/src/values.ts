import { native, type Text } from './native'

/** A JSON object: as an object, or as text that is one. */
export type Json = Text | object

/** A size in bytes, or as people write it: `'64MiB'`. */
export type Size = number | string

/** Refuses what JSON would silently make something else of. */
function check(this: unknown, key: string, value: unknown): unknown {
  switch (typeof value) {
    case 'number':
      if (!Number.isFinite(value)) throw new TypeError(`${key || 'it'}: ${value} can't be JSON`)
      return value
    case 'bigint':
      return bigint(value)
    case 'function':
    case 'symbol':
      throw new TypeError(`${key || 'it'}: a ${typeof value} can't be given to a script`)
    case 'object':
      if (value instanceof Map || value instanceof Set) {
        throw new TypeError(`${key || 'it'}: a ${value.constructor.name} can't be given to a script: pass an object or an array`)
      }
      return value
    default:
      return value
  }
}

/** A BigInt as scripts know integers: a number where a double is exact, else its digits. */
function bigint(value: bigint): number | string {
  if (value >= -(2n ** 53n) && value <= 2n ** 53n) return Number(value)
  if (value >= -(2n ** 63n) && value < 2n ** 64n) return String(value)
  throw new RangeError(`${value} has more than 64 bits: pass it as text`)
}

/** A Buffer writes itself as an object of numbers, which nobody means. */
function bytes(value: object): string | undefined {
  return ArrayBuffer.isView(value) ? Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString() : undefined
}

/** The JSON text of an object. */
export function jsonText(value: Json | undefined, name: string): Text | undefined {
  if (value === undefined || value === null || typeof value === 'string' || value instanceof Uint8Array) return value ?? undefined
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw new TypeError(`${name}: pass an object, or JSON as a string or Buffer`)
  }
  try {
    return JSON.stringify(value, function (this: Record<string, unknown>, key, item: unknown) {
      // `item` is what toJSON made of it; what it was is in the holder.
      const original = this[key]
      const text = typeof original === 'object' && original !== null ? bytes(original) : undefined
      return text ?? check.call(this, key, item)
    })
  } catch (error) {
    if (error instanceof Error) error.message = `${name}: ${error.message}`
    throw error
  }
}

/** What a host function returned, as the addon takes it. Cycles end at its limit of depth. */
export function plain(value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value
  if (depth > 128) throw new RangeError('a value is nested deeper than 128 levels')
  if (Array.isArray(value)) return value.map((item) => plain(item, depth + 1))
  if ('toJSON' in value && typeof value.toJSON === 'function') return plain(value.toJSON(), depth + 1)
  check('', value)
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item, depth + 1)]))
}

/** Parameters as a list of keys and values. */
export function paramsOf(get: Record<string, unknown> | URLSearchParams | undefined): string[] | undefined {
  if (get === undefined) return undefined
  const pairs = get instanceof URLSearchParams ? [...get] : Object.entries(get)
  return pairs.flatMap(([key, value]) => {
    if (typeof value === 'string') return [key, value]
    if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return [key, String(value)]
    throw new TypeError(`get: ${JSON.stringify(key)} must be a string, number or boolean, not ${value === null ? 'null' : typeof value}`)
  })
}

/** A size in bytes. */
export function size(value: Size | undefined, name: string): number | undefined {
  if (value === undefined || value === null) return undefined
  const bytes = typeof value === 'string' ? native.parseBytes(value) : value
  if (!(bytes >= 0)) throw new RangeError(`${name}: ${String(value)} is no size in bytes`)
  return bytes
}

/** Milliseconds as nanoseconds. */
export function nanoseconds(value: number | undefined, name: string): number | undefined {
  if (value === undefined || value === null) return undefined
  if (!(value >= 0)) throw new RangeError(`${name}: ${String(value)} is no time in milliseconds`)
  return value * 1e6
}
