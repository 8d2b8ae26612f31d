/**
 * How packets are framed inside the obfuscated stream (spec 3.3): `abridged` (tag ef), `intermediate` (ee) or
 * `padded`, the padded intermediate one (dd), which clients call «secure».
 */
export type PacketFormat = 'abridged' | 'intermediate' | 'padded'
