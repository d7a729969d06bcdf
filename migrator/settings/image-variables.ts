// The variables of compose files by which a project says where it has the images from: no options of a command.

export const migratorImageVariable = 'SCHEMAGATE_MIGRATOR_IMAGE'
const gateImageVariable = 'SCHEMAGATE_GATE_IMAGE'

export const imageVariables: readonly string[] = [migratorImageVariable, gateImageVariable]
