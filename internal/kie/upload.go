// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kie

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strings"
	"time"

	"github.com/kie-operator/kie-operator/internal/kie/decode"
)

// DefaultUploadBaseURL is the address of the host that takes uploads. It accepts
// the same keys as the API.
const DefaultUploadBaseURL = "https://kieai.redpandaai.co"

// uploadTimeout bounds an upload, which sends some megabytes where a query sends none.
const uploadTimeout = 2 * time.Minute

// UploadFile is a file to be put where the API can fetch it.
type UploadFile struct {
	// Name should be used once only: a second file of the same name replaces the first, but caches may go on
	// handing out the first.
	Name string
	// Path is the folder for it.
	Path string
	// ContentType is the media type, such as "image/png".
	ContentType string
	Data        []byte
}

// UploadedFile is a file that the API can fetch.
type UploadedFile struct {
	// URL is public. It is good for 24 hours at least; the answer does not say for how long.
	URL string
}

// Upload puts a file where the API can fetch it: POST /api/file-stream-upload
// at the upload host, which is the BaseURL here (reference, section 14). It is
// free, and can be repeated with the same name.
//
// Every failure is an *Error; Invalid means that this file or its name is refused.
func (c *Client) Upload(ctx context.Context, ep Endpoint, file UploadFile) (UploadedFile, error) {
	ctx, cancel := context.WithTimeout(ctx, uploadTimeout)
	defer cancel()
	req, err := uploadRequest(ctx, ep, file)
	if err != nil {
		return UploadedFile{}, &Error{Class: Unavailable, Err: err}
	}
	a, err := c.exchange(req)
	if err != nil {
		return UploadedFile{}, err
	}
	return judgeUpload(a, ep.APIKey)
}

// uploadRequest is the form around the file. The file itself is not copied.
func uploadRequest(ctx context.Context, ep Endpoint, file UploadFile) (*http.Request, error) {
	var form bytes.Buffer
	writer := multipart.NewWriter(&form)
	for _, field := range [][2]string{{"uploadPath", strings.Trim(file.Path, "/")}, {"fileName", file.Name}} {
		if err := writer.WriteField(field[0], field[1]); err != nil {
			return nil, fmt.Errorf("building the form: %w", err)
		}
	}
	header := textproto.MIMEHeader{}
	header.Set("Content-Disposition", multipart.FileContentDisposition("file", file.Name))
	header.Set("Content-Type", file.ContentType)
	if _, err := writer.CreatePart(header); err != nil {
		return nil, fmt.Errorf("building the form: %w", err)
	}
	start := form.Len()
	if err := writer.Close(); err != nil {
		return nil, fmt.Errorf("building the form: %w", err)
	}
	before, after := form.Bytes()[:start], form.Bytes()[start:]

	req, err := newRequest(ctx, http.MethodPost, ep, "/api/file-stream-upload", nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", writer.FormDataContentType())
	req.ContentLength = int64(form.Len() + len(file.Data))
	req.GetBody = func() (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(bytes.NewReader(before), bytes.NewReader(file.Data), bytes.NewReader(after))), nil
	}
	req.Body, err = req.GetBody()
	return req, err
}

// judgeUpload reads the answer to an upload. Besides the code, it says in one
// or two places whether it is a success.
func judgeUpload(a Answer, secrets ...string) (UploadedFile, error) {
	if a.Code() != http.StatusOK {
		refusal := a.Refusal(secrets...)
		switch {
		case refusal.Class == ContentRejected:
			refusal.Class = Invalid // nobody has looked at the picture: it is the form
		case a.status == http.StatusRequestEntityTooLarge:
			refusal.Class = Invalid // whoever says so, a smaller file is needed, and nothing is paid here
		}
		return UploadedFile{}, refusal
	}
	file, err := decode.Object(a.Data)
	if err != nil || saysFalse(a.root["success"]) || saysFalse(file["success"]) {
		refusal := a.Refusal(secrets...)
		refusal.becomes(Unavailable, errors.New("the file was not taken"))
		return UploadedFile{}, refusal
	}
	link := decode.String(file["downloadUrl"])
	if !decode.UsableURL(link) {
		return UploadedFile{}, &Error{Class: Unavailable, Err: errors.New("the answer does not say where the file is")}
	}
	return UploadedFile{URL: link}, nil
}

// saysFalse reports whether a boolean is given and is false.
func saysFalse(raw json.RawMessage) bool {
	return len(raw) != 0 && !bytes.Equal(raw, []byte("null")) && !decode.Bool(raw)
}
