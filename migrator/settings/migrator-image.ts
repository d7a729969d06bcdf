// The variable of compose files by which a project says where it has the migrator's image from: no option of a command.

export const migratorImageVariable = 'SCHEMAGATE_MIGRATOR_IMAGE'
