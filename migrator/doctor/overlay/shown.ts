// An overlay's text as it is shown: it can have the passwords that the project's own file has.

import { escapeControls } from '../../text/escape-controls.ts'
import { redactor } from '../../text/redact.ts'

/**
 * A variable of a service that holds a secret, in either form of YAML. What stands there as another variable is none, but
 * for a default of it; nor is the name of a file.
 */
const secret =
  /^(\s+(?:- )?["']?(?!\w*_FILE\b)\w*(?:PASSWORD|PASSWD|PASS|SECRET|TOKEN|API_KEY|PRIVATE_KEY)\w*["']?(?:: |=))(?!["']?\$(?!\{\w+:?-))(.+)$/gim

/** Without secrets; every line stays where it is. */
export function shownOverlay(text: string): string {
  return escapeControls(redactor()(text).replace(secret, '$1***'))
}
