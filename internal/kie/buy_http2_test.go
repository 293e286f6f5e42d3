// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kie

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kie-operator/kie-operator/internal/fixture/kieapi"
)

func TestBuyOverHTTP2(t *testing.T) {
	for _, tc := range []struct {
		name, reason string
		handler      http.HandlerFunc
		want         Submission
	}{
		{"accepted", "as usual", kieapi.Answering(200, acceptedBody), Submission{Outcome: Accepted, TaskID: testTaskID}},
		{"refused", "as usual", kieapi.Answering(200, `{"code":402,"msg":"no credits"}`), Submission{
			Outcome: Deferred, Err: &Error{Class: InsufficientCredits, Code: 402, Message: "no credits", Own: true},
		}},
		{"reset", "the server may have done anything before", func(http.ResponseWriter, *http.Request) {
			panic(http.ErrAbortHandler)
		}, Submission{Outcome: Unknown, Err: &Error{Class: Unavailable}}},
		{"reset in the body", "half an answer is none", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, acceptedBody)
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, Submission{Outcome: Unknown, Err: &Error{Class: Unavailable}}},
		{"without end", "nobody waits for ever", endless(200), Submission{Outcome: Unknown, Err: &Error{Class: Unavailable}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := kieapi.NewServer(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Proto != "HTTP/2.0" {
					t.Errorf("got %s, want HTTP/2.0", r.Proto)
				}
				tc.handler(w, r)
			}, kieapi.WithHTTP2)
			c := newTestClient(t)
			trust(t, c, server.Certificate())
			got := c.Buy(t.Context(), endpointAt(server.URL), testPurchase)
			checkSubmission(t, got)
			if got.Err != nil {
				got.Err.Err = nil // the words of the cause are Go's
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
			}
			if n := server.Requests.Load(); n != 1 {
				t.Errorf("%s: bought %d times", tc.reason, n)
			}
		})
	}
}

// HTTP/2 has two ways to say that a request was not looked at, and Go's
// transport takes them as leave to send it again. A purchase is not sent again
// by anybody but the caller.
func TestBuyOverHTTP2IsNotSentAgain(t *testing.T) {
	const (
		frameData, frameHeaders, frameReset, frameSettings, frameGoAway = 0x0, 0x1, 0x3, 0x4, 0x7

		flagEnd, flagAck = 0x1, 0x1
	)
	frame := func(kind, flags byte, stream uint32, payload ...byte) []byte {
		header := binary.BigEndian.AppendUint32(nil, uint32(len(payload)))[1:]
		header = binary.BigEndian.AppendUint32(append(header, kind, flags), stream)
		return append(header, payload...)
	}
	for _, tc := range []struct {
		name, reason string
		answer       func(stream uint32) []byte
	}{
		{"refused stream", "the server says that it did nothing, and Go believes it", func(stream uint32) []byte {
			return frame(frameReset, 0, stream, 0, 0, 0, 0x7)
		}},
		{"going away", "the server says that it did nothing, and Go believes it", func(uint32) []byte {
			return frame(frameGoAway, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
		}},
		{"going away in fear", "Go sends it again after ENHANCE_YOUR_CALM too", func(uint32) []byte {
			return frame(frameGoAway, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xb)
		}},
		{"closed", "the server may have done anything", func(uint32) []byte { return nil }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			certificate := kieapi.NewServer(t, kieapi.Answering(200, ""), kieapi.WithTLS)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var requests, connections atomic.Int32
			server := newWire(t, func(conn net.Conn) {
				secure := tls.Server(conn, &tls.Config{
					Certificates: certificate.TLS.Certificates, NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS12,
				})
				preface := make([]byte, len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
				if _, err := io.ReadFull(secure, preface); err != nil {
					return
				}
				connections.Add(1)
				_, _ = secure.Write(frame(frameSettings, 0, 0))
				for {
					header := make([]byte, 9)
					if _, err := io.ReadFull(secure, header); err != nil {
						return
					}
					kind, flags, stream := header[3], header[4], binary.BigEndian.Uint32(header[5:])
					length := int64(binary.BigEndian.Uint32(append([]byte{0}, header[:3]...)))
					if _, err := io.CopyN(io.Discard, secure, length); err != nil {
						return
					}
					switch {
					case kind == frameSettings && flags&flagAck == 0:
						_, _ = secure.Write(frame(frameSettings, flagAck, 0))
					case kind == frameHeaders:
						if requests.Add(1) > 1 {
							cancel() // the transport would go on for a minute
						}
					case kind == frameData && flags&flagEnd != 0:
						answer := tc.answer(stream)
						_, _ = secure.Write(answer)
						if answer == nil {
							return
						}
					}
				}
			})
			c := newTestClient(t)
			trust(t, c, certificate.Certificate())
			got := c.Buy(ctx, endpointAt("https://"+server.listener.Addr().String()), testPurchase)
			checkSubmission(t, got)
			if got.Outcome != Unknown {
				t.Errorf("%s: got %s, %v, want Unknown", tc.reason, got.Outcome, got.Err)
			}
			if r, n := requests.Load(), connections.Load(); r != 1 || n != 1 {
				t.Errorf("%s: got %d requests on %d connections, want 1 on 1", tc.reason, r, n)
			}
		})
	}
}
