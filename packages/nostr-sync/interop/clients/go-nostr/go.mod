module holdfast.example/go-nostr-client

go 1.23.0

require github.com/nbd-wtf/go-nostr v0.38.2
