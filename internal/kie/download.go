// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kie

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/kie-operator/kie-operator/internal/kie/decode"
)

// DownloadURL asks for a link to a file that the API has made, which is good for
// 20 minutes: POST /api/v1/common/download-url (reference, section 14). It is
// free and can be repeated. That a link was given does not prove that there is a
// file behind it, and does not keep the file longer.
//
// Every failure is an *Error; Invalid means that the URL is not one of the API's.
func (c *Client) DownloadURL(ctx context.Context, ep Endpoint, url string) (string, error) {
	body, err := json.Marshal(struct {
		URL string `json:"url"`
	}{url})
	if err != nil {
		return "", &Error{Class: Invalid, Err: err}
	}
	answer, err := c.Ask(ctx, ep, http.MethodPost, "/api/v1/common/download-url", body)
	if err != nil {
		return "", err
	}
	if answer.Code() != http.StatusOK {
		return "", answer.Refusal(ep.APIKey, url)
	}
	link := decode.String(answer.Data)
	if !decode.UsableURL(link) {
		return "", &Error{Class: Unavailable, Err: errors.New("the answer has no link")}
	}
	return link, nil
}
