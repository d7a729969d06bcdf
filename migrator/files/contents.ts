// The bytes of a folder's files, read one after the other into one place; and a fingerprint of them.

import { hash } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'

const megabyte = 1 << 20
/** Bytes of all files together: what is more is read file by file. */
const most = 16 * megabyte
/** Files between two looks at what else there is to do. */
const turn = 16

/** What was read of a folder, by path. */
export class Contents {
  readonly #dir: string
  readonly #paths: string[] = []
  /** Where each of the files ends. */
  readonly #ends: number[] = []
  #bytes = Buffer.allocUnsafeSlow(megabyte)
  #areWhole = false
  #indexes: Map<string, number> | undefined

  /** @param dir what all paths begin with. */
  constructor(dir: string) {
    this.#dir = dir
  }

  /** True if every file that was to be read is here. */
  get areWhole(): boolean {
    return this.#areWhole
  }

  /**
   * Reads regular files, up to one that cannot be read, or has no room. Who wants the text of another reads it by itself, and
   * says what is wrong. Yields now and then.
   */
  *read(paths: readonly string[]): Generator<void, void> {
    for (let i = 0, end = 0; i < paths.length; i++) {
      if (i % turn === 0) yield
      end = this.#readTo(this.#dir + paths[i]!, end)
      if (end < 0) return
      this.#paths.push(paths[i]!)
      this.#ends.push(end)
    }
    this.#areWhole = true
  }

  /** The text of a file that was read; bytes that are not UTF-8 become U+FFFD. */
  textOf(path: string): string | undefined {
    this.#indexes ??= new Map(this.#paths.map((name, index) => [name, index]))
    const index = this.#indexes.get(path)
    return index === undefined ? undefined : this.#bytes.toString('utf8', this.#ends[index - 1] ?? 0, this.#ends[index])
  }

  /**
   * A digest of all that was read, and of what is said about it: equal ones have equal bytes under equal paths.
   * @param about a text without NUL, as JSON is.
   */
  fingerprint(about: string): string {
    const end = this.#ends.at(-1) ?? 0
    const said = Buffer.from(`\0${JSON.stringify([this.#paths, this.#ends])}\0${about}`)
    return hash('sha256', Buffer.concat([this.#bytes.subarray(0, end), said]))
  }

  /** Reads a file to where the last one ended. Returns where it ends itself; -1 if it cannot be read, or has no room. */
  #readTo(file: string, start: number): number {
    let descriptor: number | undefined
    try {
      descriptor = openSync(file, 'r')
      // a read may give less than there is: only one that gives nothing is the end
      for (let end = start; ; ) {
        if (end === this.#bytes.length && !this.#grow()) return -1
        const read = readSync(descriptor, this.#bytes, end, this.#bytes.length - end, null)
        if (read === 0) return end
        end += read
      }
    } catch {
      return -1
    } finally {
      if (descriptor !== undefined) closeSync(descriptor)
    }
  }

  #grow(): boolean {
    if (this.#bytes.length >= most) return false
    const larger = Buffer.allocUnsafeSlow(4 * this.#bytes.length)
    this.#bytes.copy(larger)
    this.#bytes = larger
    return true
  }
}
