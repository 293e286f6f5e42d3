// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bucket

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"cloud.google.com/go/storage"
	"gocloud.dev/blob/gcsblob"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"
	"google.golang.org/api/option"
)

const (
	// tokenTimeout bounds how long a token is waited for.
	tokenTimeout = 30 * time.Second
	// maxGSAttempts bounds how often a request is sent, which the library does for as long as the context lives.
	maxGSAttempts = 4
)

// openGS opens a bucket of Google Cloud Storage. An upload that does not end leaves
// nothing visible there, and Google removes it after a week.
func (s *Storage) openGS(ctx context.Context, b *Bucket, p Place) error {
	b.name = fmt.Sprintf("bucket %q at Google Cloud Storage", b.url.Host)
	client := s.client(p)
	tokens, err := s.googleTokens(ctx, client, p)
	if err != nil {
		return err
	}
	options := []option.ClientOption{
		// The client brings the tokens. Without the second option the library would look for the operator's own
		// identity too.
		option.WithHTTPClient(&http.Client{
			Transport:     &oauth2.Transport{Source: tokens, Base: client.Transport},
			CheckRedirect: client.CheckRedirect,
			Timeout:       client.Timeout,
		}),
		option.WithoutAuthentication(),
	}
	if p.Endpoint != "" {
		options = append(options, option.WithEndpoint(p.endpoint()+"/storage/v1/"))
	}
	service, err := storage.NewClient(ctx, options...)
	if err != nil {
		return err
	}
	service.SetRetry(storage.WithMaxAttempts(maxGSAttempts))
	b.special = special{close: service.Close}
	b.blob, err = gcsblob.OpenBucket(ctx, nil, b.url.Host, &gcsblob.Options{Client: service})
	return err
}

// googleTokens is the identity of a place.
func (s *Storage) googleTokens(ctx context.Context, client *http.Client, p Place) (oauth2.TokenSource, error) {
	transport := &tokenTransport{RoundTripper: client.Transport}
	exchange := &http.Client{Transport: transport, CheckRedirect: client.CheckRedirect, Timeout: tokenTimeout}
	ctx = context.WithValue(context.WithoutCancel(ctx), oauth2.HTTPClient, exchange) // outlives this call
	if p.Secret == nil {
		return s.googleIdentity.get(func() (oauth2.TokenSource, error) {
			own, err := google.FindDefaultCredentials(ctx, storage.ScopeReadWrite)
			if err != nil {
				return nil, fmt.Errorf("%w: %w", errNoIdentity, err)
			}
			return namedTokens{own.TokenSource, transport}, nil
		})
	}
	key, err := p.secret("serviceAccountKey")
	if err != nil {
		return nil, err
	}
	// Other kinds of credentials have the library run programs, read files and ask hosts that they name.
	var kind struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal([]byte(key), &kind); err != nil || kind.Type != "service_account" {
		return nil, invalid("serviceAccountKey in the Secret of the storage is not the JSON key of a service account: create one, other kinds of credentials are not accepted")
	}
	config, err := google.JWTConfigFromJSON([]byte(key), storage.ScopeReadWrite)
	if err != nil {
		return nil, invalid("serviceAccountKey in the Secret of the storage cannot be read: create a new JSON key of the service account")
	}
	return namedTokens{config.TokenSource(ctx), transport}, nil
}

// tokenTransport remembers why a request for a token had no answer. The library
// only puts it into words.
type tokenTransport struct {
	http.RoundTripper
	failed atomic.Pointer[error] // of the last request
}

// RoundTrip sends a request for a token.
func (t *tokenTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.RoundTripper.RoundTrip(req)
	t.failed.Store(&err)
	return resp, err
}

// namedTokens marks a failure to get a token as errNoToken if there was an answer,
// and else returns why there was none.
type namedTokens struct {
	oauth2.TokenSource
	transport *tokenTransport
}

// Token returns a token that is valid for a while.
func (t namedTokens) Token() (*oauth2.Token, error) {
	token, err := t.TokenSource.Token()
	if err == nil {
		return token, nil
	}
	if failed := t.transport.failed.Load(); failed != nil && *failed != nil {
		return nil, *failed
	}
	return nil, fmt.Errorf("%w: %w", errNoToken, err)
}
