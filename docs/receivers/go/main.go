// A receiver of Heliodesk's webhooks: verifies, answers at once, drops repeats, minds the order of a ticket's events.
//
//	go mod tidy
//	WEBHOOK_SECRET=whsec_... PORT=9000 go run .
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const (
	maxBody    = 64 * 1024 // an event is under 20 KB
	remembered = 10_000
)

// Event is what this receiver reads of the envelope.
type Event struct {
	ID       string          `json:"id"`
	Type     string          `json:"type"`
	TicketID *string         `json:"ticket_id"`
	Sequence *int            `json:"sequence"`
	Data     json.RawMessage `json:"data"`
}

// latest forgets what was set longest ago. In production this is a table: store the message, with its id as the unique
// key, before you answer, because what is answered with 2xx is not sent again.
type latest struct {
	mutex sync.Mutex
	kept  map[string]int
	order []string
}

// raiseTo sets the number, unless there is the same or a higher one already: then it returns false.
func (l *latest) raiseTo(key string, number int) bool {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	known, found := l.kept[key]
	if found && known >= number {
		return false
	}
	if !found {
		l.order = append(l.order, key)
	}
	l.kept[key] = number
	if len(l.order) > remembered {
		delete(l.kept, l.order[0])
		l.order = l.order[1:]
	}
	return true
}

type receiver struct {
	webhook  *standardwebhooks.Webhook
	messages latest
	tickets  latest
	work     chan Event
}

// ServeHTTP verifies the raw body, hands the event over, and answers.
func (r *receiver) ServeHTTP(response http.ResponseWriter, request *http.Request) {
	if request.Method != http.MethodPost {
		response.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	// As it came: a body that was parsed and written again has another signature.
	body, err := io.ReadAll(http.MaxBytesReader(response, request.Body, maxBody))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		response.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	var event Event
	if err != nil || r.webhook.Verify(body, request.Header) != nil || json.Unmarshal(body, &event) != nil {
		response.WriteHeader(http.StatusBadRequest)
		return
	}
	// A message that came before gets 2xx again, and nothing else.
	if r.messages.raiseTo(request.Header.Get("webhook-id"), 0) {
		r.work <- event
	}
	response.WriteHeader(http.StatusNoContent)
}

// handle is what you do with an event, as slowly as you like. First attempts at a ticket's events come in the order of
// Sequence, but what is sent again comes later: take such an event as history, and do not let it set what is true now.
func (r *receiver) handle(event Event) {
	late := event.TicketID != nil && event.Sequence != nil && !r.tickets.raiseTo(*event.TicketID, *event.Sequence)
	line, err := json.Marshal(map[string]any{
		"accepted": event.ID, "type": event.Type, "ticket": event.TicketID, "late": late,
	})
	if err != nil {
		log.Print(err)
		return
	}
	fmt.Println(string(line))
}

func main() {
	webhook, err := standardwebhooks.NewWebhook(os.Getenv("WEBHOOK_SECRET"))
	if err != nil {
		log.Fatal("WEBHOOK_SECRET: ", err)
	}
	port := os.Getenv("PORT")
	if port == "" {
		port = "9000"
	}
	// On loopback, behind a proxy that has the certificate.
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		log.Fatal(err)
	}
	r := &receiver{
		webhook:  webhook,
		messages: latest{kept: map[string]int{}},
		tickets:  latest{kept: map[string]int{}},
		work:     make(chan Event, 1000),
	}
	go func() {
		for event := range r.work {
			r.handle(event)
		}
	}()
	fmt.Printf("{\"listening\":%d}\n", listener.Addr().(*net.TCPAddr).Port)
	server := &http.Server{Handler: r, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second}
	log.Fatal(server.Serve(listener))
}
