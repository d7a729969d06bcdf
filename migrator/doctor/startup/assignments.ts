// What a command sets the shell's variables to.

/** `A=1 B=2`, `export A=1`, `: "${A:=1}"`, `read A`; what stands before a command is for that alone. */
export function assignments(words: readonly string[]): (readonly [name: string, value: string])[] {
  if (words[0] === 'read') return words.filter(word => /^[a-z_]\w*$/i.test(word)).map(name => [name, '$?'])
  if (words[0] === ':')
    return words.flatMap(word => {
      const [, name] = /^\$\{(\w+):?=/.exec(word) ?? []
      return name === undefined ? [] : [[name, word] as const]
    })
  const named = /^(export|readonly|declare|local|typeset)$/.test(words[0] ?? '') ? words.slice(1) : words
  const pairs = named.filter(word => !word.startsWith('-')).map(word => /^(\w+)=(.*)$/s.exec(word))
  if (named === words && pairs.includes(null)) return []
  return pairs.flatMap(pair => (pair ? [[pair[1]!, pair[2]!] as const] : []))
}
