// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strings"
)

const (
	// uploadAccount is the folder of the account among the uploads of all.
	uploadAccount = "123456"
	// maxUploadBytes is the largest upload that is read. KIE documents this limit for
	// URLs and none for streams, and advises 10 MB at most for base64.
	maxUploadBytes = 100 << 20
)

// upload is a file that a client brings.
type upload struct {
	folder      string
	name        string
	contentType string
	content     []byte
	// origin is what the file is called where it comes from, if anything. It gives
	// the extension to an upload without a name.
	origin string
}

// uploadAnswer is the data of the answer to an upload. KIE's quickstart shows further
// fields, which real answers do not have.
type uploadAnswer struct {
	Success     bool   `json:"success"`
	FileName    string `json:"fileName"`
	FilePath    string `json:"filePath"`
	DownloadURL string `json:"downloadUrl"`
	FileSize    int    `json:"fileSize"`
	MimeType    string `json:"mimeType"`
	UploadedAt  string `json:"uploadedAt"`
}

// upload makes a handler of a reader of uploads, with what all kinds of uploads have in
// common. Errors are real HTTP errors here, and an upload costs nothing.
func (s *Simulator) upload(mediaType string, read func(http.ResponseWriter, *http.Request) (upload, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.countRequest(endpointUpload)
		if s.interrupt(w, r, endpointUpload) {
			return
		}
		if r.UserAgent() == "" {
			s.refuseBare(w)
			return
		}
		if !s.authorized(r, mediaType) {
			s.refuseUpload(w, http.StatusUnauthorized, answerMessages[http.StatusUnauthorized])
			return
		}
		if s.failUpload(w, r) {
			return
		}
		sent, err := read(w, r)
		if err == nil {
			err = sent.validate()
		}
		if err != nil {
			s.refuseUpload(w, http.StatusBadRequest, err.Error())
			return
		}
		s.write(w, http.StatusOK, jsonType, encode(struct {
			Success bool         `json:"success"`
			Code    int          `json:"code"`
			Msg     string       `json:"msg"`
			Data    uploadAnswer `json:"data"`
		}{true, codeOK, "File uploaded successfully", s.keep(r, sent)}), codeOK)
	}
}

func (s *Simulator) refuseUpload(w http.ResponseWriter, code int, message string) {
	s.write(w, code, jsonType, refusedUpload(code, message), code)
}

// refusedUpload returns the body of an answer to an upload that failed.
func refusedUpload(code int, message string) []byte {
	return encode(struct {
		Success bool   `json:"success"`
		Code    int    `json:"code"`
		Msg     string `json:"msg"`
	}{false, code, message})
}

// uploadStream reads POST /api/file-stream-upload, a multipart form.
func (s *Simulator) uploadStream(w http.ResponseWriter, r *http.Request) (upload, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxUploadBytes)
	if err := r.ParseMultipartForm(maxUploadBytes); err != nil {
		return upload{}, errors.New("the request body is not a multipart form or is too large")
	}
	form := r.MultipartForm
	defer func() { _ = form.RemoveAll() }() // nothing is on disk below the limit
	files := form.File["file"]
	if len(files) == 0 {
		return upload{}, missing("file")
	}
	part, err := files[0].Open()
	if err != nil {
		return upload{}, errors.New("the file cannot be read")
	}
	defer part.Close()
	content, err := io.ReadAll(part)
	if err != nil {
		return upload{}, errors.New("the file cannot be read")
	}
	sent := upload{folder: r.PostFormValue("uploadPath"), name: r.PostFormValue("fileName"), content: content, origin: files[0].Filename}
	sent.contentType = files[0].Header.Get("Content-Type")
	return sent, nil
}

// uploadBase64 reads POST /api/file-base64-upload, JSON with the content as base64
// or as a data URL.
func (s *Simulator) uploadBase64(w http.ResponseWriter, r *http.Request) (upload, error) {
	var sent upload
	var data string
	err := decodeFields(http.MaxBytesReader(w, r.Body, maxUploadBytes), []field{
		{"base64Data", &data}, {"uploadPath", &sent.folder}, {"fileName", &sent.name},
	})
	if err != nil {
		return upload{}, err
	}
	if data == "" {
		return upload{}, missing("base64Data")
	}
	if header, rest, isURL := strings.Cut(strings.TrimPrefix(data, "data:"), ","); isURL {
		sent.contentType, data = strings.TrimSuffix(header, ";base64"), rest
	}
	sent.content, err = base64.StdEncoding.DecodeString(data)
	if err != nil {
		return upload{}, errors.New("base64Data is not base64")
	}
	return sent, nil
}

// missing is the name of a parameter that was not sent.
type missing string

func (m missing) Error() string { return "Missing required parameter: " + string(m) }

// validate returns what is wrong with the place of the file.
func (u upload) validate() error {
	switch {
	case u.folder == "":
		return missing("uploadPath")
	case path.Clean("/"+u.folder) != "/"+u.folder:
		return fmt.Errorf("uploadPath %q is not a plain path without a slash at either end", u.folder)
	case u.name != "" && (strings.Contains(u.name, "/") || path.Clean("/"+u.name) != "/"+u.name):
		return fmt.Errorf("fileName %q is not a plain name", u.name)
	}
	return nil
}

// keep stores an upload, over one of the same name, until it expires.
func (s *Simulator) keep(r *http.Request, sent upload) uploadAnswer {
	if sent.contentType == "" || sent.contentType == "application/octet-stream" {
		sent.contentType = http.DetectContentType(sent.content)
	}
	mediaType, _, err := mime.ParseMediaType(sent.contentType)
	if err != nil {
		mediaType = "application/octet-stream"
	}
	now := s.options.Now()
	if sent.name == "" {
		sent.name = newFileName(now, extensionOf(sent.origin, mediaType))
	}
	filePath := uploadFolder + path.Join(uploadAccount, sent.folder, sent.name)
	s.storeUpload(filePath, file{contentType: mediaType, content: plain(sent.content), from: now, until: now.Add(s.options.UploadRetention)})
	return uploadAnswer{
		Success:     true,
		FileName:    sent.name,
		FilePath:    strings.TrimPrefix(filePath, "/"),
		DownloadURL: s.baseURL(r) + (&url.URL{Path: filePath}).EscapedPath(),
		FileSize:    len(sent.content),
		MimeType:    mediaType,
		UploadedAt:  now.UTC().Format("2006-01-02T15:04:05.000Z07:00"),
	}
}

func (s *Simulator) storeUpload(filePath string, stored file) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, replaced := s.ledger.files[filePath]; !replaced {
		s.ledger.uploaded = append(s.ledger.uploaded, strings.TrimPrefix(filePath, "/"))
	}
	s.ledger.files[filePath] = stored
	s.ledger.uploads++
}
