// The bytes of a folder's files, read one after the other into one place; and a fingerprint of them.

import { hash } from 'node:crypto'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { large, megabyte } from './read-large.ts'

/** Bytes of all files together: what is more is read file by file, as a large file is, for which the memory is checked. */
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
   * @param about what JSON can hold.
   */
  fingerprint(about: unknown): string {
    const end = this.#ends.at(-1) ?? 0
    const bytes = hash('sha256', this.#bytes.subarray(0, end))
    return hash('sha256', JSON.stringify([bytes, this.#paths, this.#ends, about]))
  }

  /** Reads a file to where the last one ended. Returns where it ends itself; -1 if it cannot be read, or is too large. */
  #readTo(file: string, start: number): number {
    let descriptor: number | undefined
    try {
      descriptor = openSync(file, 'r')
      // a read may give less than there is: only one that gives nothing is the end
      for (let end = start; ; ) {
        if (end === this.#bytes.length && !this.#grow(fstatSync(descriptor).size)) return -1
        const read = readSync(descriptor, this.#bytes, end, this.#bytes.length - end, null)
        if (read === 0) return end - start > large ? -1 : end
        end += read
      }
    } catch {
      return -1
    } finally {
      if (descriptor !== undefined) closeSync(descriptor)
    }
  }

  /** Gives the bytes up: once the names are read, the texts hold them a second time. */
  forget(): void {
    this.#bytes = Buffer.alloc(0)
  }

  /** Makes room for all files. False if there is no more, or a file of that size is not for here. */
  #grow(size: number): boolean {
    if (this.#bytes.length === most || size > large) return false
    const larger = Buffer.allocUnsafeSlow(most)
    this.#bytes.copy(larger)
    this.#bytes = larger
    return true
  }
}
