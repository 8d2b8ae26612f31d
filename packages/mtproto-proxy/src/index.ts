/**
 * A Telegram proxy whose clients do not notice that a data centre connection died.
 *
 * @packageDocumentation
 */

export {}
