// A program with the generated Java client: enters a sender, creates a pool with it, and waits for the operation.

import java.util.List;
import org.example.signalbox.ApiClient;
import org.example.signalbox.ApiException;
import org.example.signalbox.api.InventoryApi;
import org.example.signalbox.api.SenderPoolsApi;
import org.example.signalbox.api.SendersApi;
import org.example.signalbox.model.Channel;
import org.example.signalbox.model.InventoryRow;
import org.example.signalbox.model.SenderPoolCreate;
import org.example.signalbox.model.SenderRef;
import org.example.signalbox.model.SenderSearch;

public class Main {
    public static void main(String[] arguments) throws ApiException {
        ApiClient client = new ApiClient();
        client.setBasePath(System.getenv("SIGNALBOX_URL"));
        client.setUsername(System.getenv("SIGNALBOX_ACCOUNT_SID"));
        client.setPassword(System.getenv("SIGNALBOX_AUTH_TOKEN"));
        SenderPoolsApi senderPools = new SenderPoolsApi(client);
        SendersApi senders = new SendersApi(client);

        int before = senderPools.senderPoolsListOperations(null, null, null, null, 10).getOperations().size();

        var row = new InventoryRow().channel(Channel.SMS).address("+12025550100");
        new InventoryApi(client).inventoryEnter(List.of(row));
        var search = new SenderSearch().channel(Channel.SMS).address("+12025550100");
        String senderId = senders.sendersSearch(search).getSenders().get(0).getId();

        var pool = new SenderPoolCreate().name("From Java").addSendersItem(new SenderRef().senderId(senderId));
        String operationId = senderPools.senderPoolsCreate(pool, "java-1").getOperationId();
        var operation = senderPools.senderPoolsFetchOperation(operationId, "wait=30", null);

        try {
            senders.sendersFetch("nonsense", null);
            throw new IllegalStateException("the request should have failed");
        } catch (ApiException refused) {
            System.out.println("before " + before + " " + operation.getStatus() + " "
                    + operation.getStats().getCreated() + " refused " + refused.getCode());
        }
    }
}
