// The licenses of what a bundle has in it of other packages: each of them wants its text beside every copy.

import { readdirSync, readFileSync } from 'node:fs'

/**
 * A text with name, version and license of each package that the modules are of.
 * @throws an error that names a package whose license has no text
 */
export function licensesOf(modules: Iterable<string>): string {
  const inPackage = /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/
  const folders = new Set([...modules].flatMap(id => inPackage.exec(id)?.[0] ?? []))
  const packages = [...folders].map(folder => {
    const { name, version, license } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'))
    const text = licenseIn(folder)
    if (text === undefined) throw new Error(`${name}: the text of its license is neither in a file nor in its README`)
    return `${name} ${version} (${license})\n\n${text.trim()}\n`
  })
  return packages.toSorted().join(`\n${'-'.repeat(80)}\n\n`)
}

/** The file of its name, or the README's last chapter, where some have it. */
function licenseIn(folder: string): string | undefined {
  const read = (name: RegExp) => {
    const file = readdirSync(folder).find(entry => name.test(entry))
    return file && readFileSync(`${folder}/${file}`, 'utf8')
  }
  return (
    read(/^(licen[cs]e|copying)\b/i) ??
    read(/^readme\b/i)?.match(/^#+ *licen[cs]e\s+(Copyright[\s\S]+|[\s\S]+Copyright[\s\S]+)/im)?.[1]
  )
}
