// A program with the generated Go client: enters a sender, creates a pool with it, and waits for the operation.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"example.com/clients/signalbox"
)

func main() {
	configuration := signalbox.NewConfiguration()
	configuration.Servers = signalbox.ServerConfigurations{{URL: os.Getenv("SIGNALBOX_URL")}}
	client := signalbox.NewAPIClient(configuration)
	ctx := context.WithValue(context.Background(), signalbox.ContextBasicAuth, signalbox.BasicAuth{
		UserName: os.Getenv("SIGNALBOX_ACCOUNT_SID"),
		Password: os.Getenv("SIGNALBOX_AUTH_TOKEN"),
	})

	before, _, err := client.SenderPoolsAPI.SenderPoolsListOperations(ctx).PageSize(10).Execute()
	check(err)

	row := signalbox.NewInventoryRow(signalbox.CHANNEL_SMS, "+12025550100")
	_, _, err = client.InventoryAPI.InventoryEnter(ctx).InventoryRow([]signalbox.InventoryRow{*row}).Execute()
	check(err)
	search := signalbox.NewSenderSearch("+12025550100", signalbox.CHANNEL_SMS)
	found, _, err := client.SendersAPI.SendersSearch(ctx).SenderSearch(*search).Execute()
	check(err)

	pool := signalbox.NewSenderPoolCreate()
	pool.SetName("From Go")
	pool.SetSenders([]signalbox.SenderRef{*signalbox.NewSenderRef(found.Senders[0].Id)})
	started, _, err := client.SenderPoolsAPI.SenderPoolsCreate(ctx).SenderPoolCreate(*pool).IdempotencyKey("go-1").Execute()
	check(err)
	operation, _, err := client.SenderPoolsAPI.SenderPoolsFetchOperation(ctx, started.OperationId).Prefer("wait=30").Execute()
	check(err)

	_, _, err = client.SendersAPI.SendersFetch(ctx, "nonsense").Execute()
	var refused *signalbox.GenericOpenAPIError
	if !errors.As(err, &refused) {
		log.Fatal("the request should have failed")
	}
	body := refused.Model().(signalbox.ErrorBody)
	fmt.Println("before", len(before.Operations), operation.Status, operation.Stats.Created, "refused", body.Code)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
