// The stack of the examples that differ only in what the application waits for.

export const completedMigrate = '{ migrate: { condition: service_completed_successfully } }'

/** A database, a one-shot and an application. @param waitsFor the application's `depends_on` */
export function appBesideOneShot(waitsFor: string): string {
  return `services:
  db:
    image: postgres:17
  migrate:
    image: migrate/migrate:v4
    command: -path /migrations -database postgres://app@db/app up
    depends_on: [db]
  app:
    image: example/app:1
    environment:
      DATABASE_URL: postgres://app@db/app
    depends_on: ${waitsFor}
`
}

/** The same with a worker beside the application. @param waitsFor the worker's `depends_on` */
export function workerBesideWeb(waitsFor: string): string {
  return `services:
  db:
    image: postgres:17
  migrate:
    build: .
    command: bundle exec rails db:migrate
    environment: &env
      DATABASE_URL: postgres://app@db/app
  web:
    build: .
    command: bundle exec puma
    environment: *env
    depends_on: ${completedMigrate}
  sidekiq:
    build: .
    command: bundle exec sidekiq
    environment: *env
    depends_on: ${waitsFor}
`
}
