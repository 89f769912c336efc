%% The same as a gen_server. Its state has another shape in every other version, and code_change/3 makes the one from the other.
-module(pingserver).
-vsn(?VERSION).
-behaviour(gen_server).
-export([start/3]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, code_change/3]).

start(Id, Instance, _Calls) ->
    {ok, Pid} = gen_server:start(?MODULE, {Id, Instance}, []),
    Pid.

-if(?VERSION rem 2 =:= 1).
state(Id, Instance, Count) -> {state, Id, Instance, Count}.
fields({state, Id, Instance, Count}) -> {Id, Instance, Count}.
-else.
state(Id, Instance, Count) -> #{id => Id, instance => Instance, count => Count}.
fields(#{id := Id, instance := Instance, count := Count}) -> {Id, Instance, Count}.
-endif.

init({Id, Instance}) ->
    {ok, state(Id, Instance, 0)}.

handle_call({ping, Ping}, _From, State) ->
    {Pong, Next} = answer(Ping, State),
    {reply, Pong, Next}.

handle_info({ping, From, Ping}, State) ->
    {Pong, Next} = answer(Ping, State),
    From ! Pong,
    {noreply, Next}.

handle_cast(_, State) ->
    {noreply, State}.

answer(Ping, State) ->
    {Id, Instance, Count} = fields(State), % no match, where the state has been left as the other version wants it
    {{pong, Ping, ?VERSION, Instance, Count + 1}, state(Id, Instance, Count + 1)}.

%% ChangeMs: how long this takes, on purpose.
code_change(_From, {state, Id, Instance, Count}, ChangeMs) ->
    timer:sleep(ChangeMs),
    {ok, state(Id, Instance, Count)};
code_change(_From, #{id := Id, instance := Instance, count := Count}, ChangeMs) ->
    timer:sleep(ChangeMs),
    {ok, state(Id, Instance, Count)}.
