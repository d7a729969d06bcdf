// What is started together: `up` starts what is below no profile, and what is below one that was named.

type Profiles = readonly string[]

/** Whether the second is there whenever the first is started: else Compose refuses that the first waits for it. */
export function isThereWith(one: Profiles, other: Profiles): boolean {
  return other.length === 0 || (one.length > 0 && one.every(profile => other.includes(profile)))
}
