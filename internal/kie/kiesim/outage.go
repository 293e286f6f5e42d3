// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Outages are times in which something in front of KIE answers and KIE hears
// nothing, by the name of the endpoint as in [State.Requests]. Their times count
// from [New] or [Simulator.SetOutages].
type Outages map[string][]Override

// Endpoints returns the names of the endpoints that can have an outage.
func Endpoints() []string {
	return []string{endpointGenerate, endpointExtend, endpointRecordInfo, endpoint1080p, endpoint4K, endpointCredit, endpointDownloadURL, endpointUpload}
}

func (o Outages) validate() error {
	for endpoint, overrides := range o {
		if !slices.Contains(Endpoints(), endpoint) {
			return fmt.Errorf("%q has an outage but is not an endpoint: use %s", endpoint, strings.Join(Endpoints(), ", "))
		}
		for _, override := range overrides {
			if override.Reply != Reply1010 && htmlStatus(string(override.Reply)) == 0 {
				return fmt.Errorf("an outage of %s cannot answer %q: use html-CODE, where CODE is "+pageStatuses+", or 1010", endpoint, override.Reply)
			}
		}
	}
	return nil
}

// Set adds an outage that is written as ENDPOINT=html-CODE or ENDPOINT=1010, with
// -after=DURATION and -for=DURATION behind it or without. The error says which part
// is wrong.
func (o Outages) Set(text string) error {
	endpoint, value, _ := strings.Cut(text, "=")
	reply, span := cutSpan(value)
	after, length, err := parseSpan(span)
	if err != nil {
		return err
	}
	added := Override{Reply: Reply(reply), After: after, For: length}
	if err := (Outages{endpoint: {added}}).validate(); err != nil {
		return err
	}
	o[endpoint] = append(o[endpoint], added)
	return nil
}

// SetOutages changes the outages. Their times count from now. It panics about an
// endpoint or a reply that cannot be.
func (s *Simulator) SetOutages(outages Outages) {
	if err := outages.validate(); err != nil {
		panic("kiesim: " + err.Error())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ledger.outages, s.ledger.outagesSince = outages.clone(), s.options.Now()
}

// clone returns a copy that its owner cannot change any more.
func (o Outages) clone() Outages {
	all := make(Outages)
	for endpoint, overrides := range o {
		all[endpoint] = slices.Clone(overrides)
	}
	return all
}

// interrupt answers a request in an outage of its endpoint, and reports whether
// there is one.
func (s *Simulator) interrupt(w http.ResponseWriter, r *http.Request, endpoint string) bool {
	reply := s.outage(endpoint, s.options.Now())
	if reply == "" {
		return false
	}
	// A client that is still sending would see its connection fail, not the answer.
	_, _ = io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, maxUploadBytes))
	s.reply(w, r, reply)
	return true
}

// outage returns what is answered at an endpoint instead of the truth, or nothing if
// the truth is answered.
func (s *Simulator) outage(endpoint string, now time.Time) Reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	return replyAt(s.ledger.outages[endpoint], now.Sub(s.ledger.outagesSince))
}
