// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kie

import (
	"context"
	"errors"

	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/kie/decode"
)

// Credits asks for the balance, in credits: GET /api/v1/chat/credit. It is
// documented as a whole number and has fractions in practice; it is below zero for
// an account that is overdrawn. Every failure is an *Error.
//
// This is what an account is checked with. So, and only here, an answer that is
// not the API's own is Forbidden if it turns the request away, and NotFound if
// there is nothing at this address.
func (c *Client) Credits(ctx context.Context, ep Endpoint) (credits.Amount, error) {
	data, err := c.Query(ctx, ep, "/api/v1/chat/credit")
	if err != nil {
		var refusal *Error
		if errors.As(err, &refusal) && errors.Is(refusal.Err, ErrNotTheAPI) {
			refusal.Class = classOfTheWay(refusal.Code)
		}
		return credits.Amount{}, err
	}
	balance, ok := decode.Balance(data)
	if !ok {
		return credits.Amount{}, &Error{Class: Unavailable, Err: errors.New("the balance is not a number that a balance can be")}
	}
	return balance, nil
}
