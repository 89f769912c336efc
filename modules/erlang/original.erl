%% The test that all began with: a client and a server, both of this module, play ping-pong inside one node, and the server
%% exchanges the module on a ping. Each ping that comes from outside makes the client send one to the server.
%%
%% The server goes on by a qualified call, as a server that expects to be upgraded does. The client was never thought of: its calls
%% are local, so it stays in the code that it began with.
-module(original).
-vsn(?VERSION).
-export([start/3, upgrade_on_next_ping/3]).
-export([server/1, pong/3]).

-record(state, {instance, count = 0, upgrade = none}).

start(_Id, Instance, _Calls) ->
    Server = spawn(fun() -> server(#state{instance = Instance}) end),
    spawn(fun() -> client(Server) end).

upgrade_on_next_ping(Client, Whom, Exchange) ->
    Client ! {upgrade, Whom, Exchange}.

client(Server) ->
    receive
        {ping, From, Ping} ->
            Server ! {ping, self(), Ping},
            receive
                Pong when element(1, Pong) =:= pong -> From ! Pong
            end;
        {upgrade, _, _} = Order ->
            Server ! Order;
        look_up ->
            Server ! look_up
    end,
    client(Server).

server(State) ->
    receive
        {ping, Client, Ping} when State#state.upgrade =:= none ->
            pong(Client, Ping, State);
        {ping, Client, Ping} ->
            {Whom, Exchange} = State#state.upgrade,
            Whom ! {upgraded, Ping, Exchange()},
            ?MODULE:pong(Client, Ping, State#state{upgrade = none});
        {upgrade, Whom, Exchange} ->
            ?MODULE:server(State#state{upgrade = {Whom, Exchange}});
        look_up ->
            ?MODULE:server(State)
    end.

pong(Client, Ping, #state{instance = Instance, count = Count} = State) ->
    Client ! {pong, Ping, ?VERSION, Instance, Count + 1},
    ?MODULE:server(State#state{count = Count + 1}).
