// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bucket

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"gocloud.dev/blob/azureblob"

	"github.com/kie-operator/kie-operator/internal/egress"
)

// openAzure opens a container of Azure Blob Storage. Blocks that never became part
// of a blob are not visible there, and Azure removes them after a week.
func (s *Storage) openAzure(ctx context.Context, b *Bucket, p Place) error {
	b.name = fmt.Sprintf("container %q at %s", b.url.Host, p.endpoint())
	client, err := s.azureClient(s.client(p), p, p.endpoint()+"/"+b.url.Host)
	if err != nil {
		return err
	}
	b.blob, err = azureblob.OpenBucket(ctx, client, nil)
	return err
}

// azureClient is a client of a container with the identity of a place.
func (s *Storage) azureClient(client *http.Client, p Place, address string) (*container.Client, error) {
	options := policy.ClientOptions{Transport: azureTransport{client}}
	containerOptions := &container.ClientOptions{ClientOptions: options}
	if p.Secret == nil {
		own, err := s.azureIdentity.get(func() (azcore.TokenCredential, error) {
			return azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{ClientOptions: options})
		})
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errNoIdentity, err)
		}
		return container.NewClient(address, own, containerOptions)
	}
	token, _ := p.secret("sasToken") // one of the two is enough
	key, err := p.secret("accountKey")
	switch {
	case token != "" && err == nil:
		return nil, invalid("the Secret of the storage has both accountKey and sasToken: remove one of them")
	case token != "":
		query := strings.TrimPrefix(token, "?")
		if values, err := url.ParseQuery(query); err != nil || !values.Has("sig") || strings.ContainsAny(query, "# \r\n") {
			return nil, invalid("sasToken in the Secret of the storage is not a shared access signature: use one like sv=…&sig=…")
		}
		return container.NewClientWithNoCredential(address+"?"+query, containerOptions)
	case err != nil:
		return nil, invalid("the Secret of the storage has no accountKey and no sasToken: add one of them")
	}
	credential, err := azblob.NewSharedKeyCredential(account(p.endpoint()), key)
	if err != nil {
		return nil, invalid("accountKey in the Secret of the storage is not in base64: copy it again")
	}
	return container.NewClientWithSharedKeyCredential(address, credential, containerOptions)
}

// account is the name of a storage account, with which its host begins.
func account(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil {
		return ""
	}
	name, _, _ := strings.Cut(u.Hostname(), ".")
	return name
}

// azureTransport keeps the library from trying again what is not allowed.
type azureTransport struct{ client *http.Client }

// Do sends a request.
func (t azureTransport) Do(req *http.Request) (*http.Response, error) {
	resp, err := t.client.Do(req) //nolint:gosec // the client is guarded where the URL is foreign
	if errors.Is(err, egress.ErrPrivateAddress) || errors.Is(err, egress.ErrInsecureURL) {
		err = notAllowed{err}
	}
	return resp, err
}

type notAllowed struct{ error }

// NonRetriable is what the library looks for.
func (notAllowed) NonRetriable() {}

// Unwrap returns what is not allowed.
func (e notAllowed) Unwrap() error { return e.error }
