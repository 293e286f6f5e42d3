// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// htmlPrefix begins the names of answers that are an HTML page; the HTTP status follows.
const htmlPrefix = "html-"

// pageStatuses says which HTTP statuses a page can have.
const pageStatuses = "200, 301, 302, 307, 308, 400 to 431 or 500 to 599"

// hasPage reports whether a page can have an HTTP status.
func hasPage(status int) bool {
	return slices.Contains([]int{200, 301, 302, 307, 308}, status) || status >= 400 && status <= 431 || status >= 500 && status <= 599
}

// AcceptThenHTML accepts and charges the submission and answers this HTTP status
// with an HTML page, as something in front of KIE would. It panics about a status
// other than 200, 301, 302, 307, 308, 400 to 431 and 500 to 599.
func AcceptThenHTML(status int) AcceptThen { return AcceptThen(htmlName(status)) }

// RefuseThenHTML is AcceptThenHTML without the purchase.
func RefuseThenHTML(status int) RefuseThen { return RefuseThen(htmlName(status)) }

func htmlName(status int) string {
	if !hasPage(status) {
		panic(fmt.Sprintf("kiesim: no page has HTTP status %d: use %s", status, pageStatuses))
	}
	return htmlPrefix + strconv.Itoa(status)
}

// htmlStatus returns the HTTP status in the name of an answer, zero if the answer
// is no page.
func htmlStatus(name string) int {
	digits, isPage := strings.CutPrefix(name, htmlPrefix)
	status, err := strconv.Atoi(digits)
	if !isPage || err != nil || !hasPage(status) {
		return 0
	}
	return status
}

// parsePageStatus reads the HTTP status of a page.
func parsePageStatus(text string) (int, error) {
	status, err := strconv.Atoi(text)
	if err != nil || !hasPage(status) {
		return 0, fmt.Errorf("%q is not an HTTP status of a page: use %s", text, pageStatuses)
	}
	return status, nil
}

// writePage answers as something in front of KIE does. A redirect leads to where
// the request went, so that a client that follows it buys again, which is counted.
func (s *Simulator) writePage(w http.ResponseWriter, r *http.Request, status int) {
	if status >= 300 && status < 400 {
		w.Header().Set("Location", r.URL.RequestURI())
	}
	title := strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
	s.write(w, status, "text/html", []byte("<html><body><h1>"+title+"</h1></body></html>"), status)
}

// refuseBare answers as Cloudflare does in front of KIE when it does not like
// the client: HTTP 403 and no JSON.
func (s *Simulator) refuseBare(w http.ResponseWriter) {
	s.write(w, http.StatusForbidden, "text/plain; charset=UTF-8", []byte("error code: 1010"), http.StatusForbidden)
}
