// go-nostr: reads, publishes, hears, and syncs in both directions by its own negentropy.
package main

import (
	"context"
	"encoding/json"
	"os"
	"sync"
	"time"

	"github.com/nbd-wtf/go-nostr"
	"github.com/nbd-wtf/go-nostr/nip77"
)

// memory is a store of events as go-nostr's sync wants it.
type memory struct {
	mutex  sync.Mutex
	events map[string]*nostr.Event
}

func (m *memory) Publish(_ context.Context, event nostr.Event) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.events[event.ID] = &event
	return nil
}

func (m *memory) QuerySync(_ context.Context, filter nostr.Filter) ([]*nostr.Event, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	found := []*nostr.Event{}
	for _, event := range m.events {
		if filter.Matches(event) {
			found = append(found, event)
		}
	}
	return found, nil
}

func (m *memory) QueryEvents(ctx context.Context, filter nostr.Filter) (chan *nostr.Event, error) {
	found, _ := m.QuerySync(ctx, filter)
	channel := make(chan *nostr.Event)
	go func() {
		defer close(channel)
		for _, event := range found {
			channel <- event
		}
	}()
	return channel, nil
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	var given struct {
		Url    string         `json:"url"`
		Mine   []*nostr.Event `json:"mine"`
		Filter nostr.Filter   `json:"filter"`
	}
	must(json.NewDecoder(os.Stdin).Decode(&given))
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()

	relay, err := nostr.RelayConnect(ctx, given.Url)
	must(err)
	all := given.Filter
	all.Limit = 5000
	read, err := relay.QuerySync(ctx, all)
	must(err)

	now := nostr.Now()
	live, err := relay.Subscribe(ctx, nostr.Filters{{Kinds: []int{1}, Since: &now}})
	must(err)
	<-live.EndOfStoredEvents
	event := nostr.Event{Kind: 1, CreatedAt: nostr.Now(), Tags: nostr.Tags{}, Content: "go-nostr"}
	must(event.Sign(nostr.GeneratePrivateKey()))
	must(relay.Publish(ctx, event))
	heard := <-live.Events

	store := &memory{events: map[string]*nostr.Event{}}
	for _, event := range given.Mine {
		store.events[event.ID] = event
	}
	must(nip77.NegentropySync(ctx, store, given.Url, given.Filter))
	must(json.NewEncoder(os.Stdout).Encode(map[string]any{
		"read": len(read), "heard": heard.Content, "has": len(store.events),
	}))
}
