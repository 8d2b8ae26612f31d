/** What all names begin with (R104). */
export const metricPrefix = 'holdfast_nostr_'
