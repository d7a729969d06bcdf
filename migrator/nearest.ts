// "Did you mean" for the migrator's own names; it lives where the app's image finds it, too.

export { nearest } from './gate/nearest.ts'
