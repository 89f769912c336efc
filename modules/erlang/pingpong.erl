%% A ping-pong process: a loop around a receive. This is the code that is exchanged; version N is compiled with -DVERSION=N.
-module(pingpong).
-vsn(?VERSION).
-export([start/3, upgrade_on_next_ping/3]).
-export([loop/1, answer/3]). % for calls with the module's name

%% calls: `qualified` or `local`. upgrade: what to do on the next ping, and whom to tell.
-record(state, {id, instance, calls, count = 0, upgrade = none}).

start(Id, Instance, Calls) ->
    spawn(fun() -> loop(#state{id = Id, instance = Instance, calls = Calls}) end).

upgrade_on_next_ping(Pid, Whom, Exchange) ->
    Pid ! {upgrade, Whom, Exchange}.

loop(State) ->
    receive
        {ping, From, Ping} ->
            pinged(From, Ping, State);
        {upgrade, Whom, Exchange} ->
            go_on(State#state{upgrade = {Whom, Exchange}});
        look_up ->
            go_on(State)
    end.

%% The whole difference: a call with the module's name goes to the newest code, one without stays in this.
go_on(#state{calls = qualified} = State) -> ?MODULE:loop(State);
go_on(#state{calls = local} = State) -> loop(State).

pinged(From, Ping, #state{upgrade = none} = State) ->
    answer(From, Ping, State);
pinged(From, Ping, #state{upgrade = {Whom, Exchange}, calls = Calls} = State) ->
    Whom ! {upgraded, Ping, Exchange()},
    case Calls of
        qualified -> ?MODULE:answer(From, Ping, State#state{upgrade = none});
        local -> answer(From, Ping, State#state{upgrade = none})
    end.

answer(From, Ping, #state{instance = Instance, count = Count} = State) ->
    From ! {pong, Ping, ?VERSION, Instance, Count + 1},
    go_on(State#state{count = Count + 1}).
