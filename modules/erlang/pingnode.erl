%% The node: what never changes. It listens, hands each ping to the mailbox of the process that it asks, sends the answers back,
%% starts anew who has died, and takes orders.
%%
%% One Erlang process for each connection, one for each ping-pong process, one for orders. Which code the ping-pong processes
%% run, and how it is exchanged, is the style.
-module(pingnode).
-export([main/1]).

%% erl -s pingnode main STYLE PORT PROCESSES: pings on 127.0.0.1:PORT, orders on the UNIX socket `control` in the current folder,
%% version N of the code in the folder vN.
main([StyleName, Port, Count]) ->
    Style = style(StyleName),
    Ids = lists:seq(0, list_to_integer(atom_to_list(Count)) - 1),
    code:add_patha("v1"),
    ets:new(processes, [named_table, public, {read_concurrency, true}]),
    Started = maps:from_list([start(Style, Id) || Id <- Ids]),
    file:delete("control"),
    {ok, Orders} = gen_tcp:listen(0, [binary, {ifaddr, {local, "control"}}, {packet, line}, {active, false}]),
    {ok, Pings} = gen_tcp:listen(
        list_to_integer(atom_to_list(Port)),
        [binary, {ip, {127, 0, 0, 1}}, {packet, line}, {active, false}, {reuseaddr, true}, {nodelay, true}, {backlog, 1024}]
    ),
    spawn_link(fun() -> accept(Pings, fun(Socket) -> connection(Socket, Style) end) end),
    spawn_link(fun() -> accept(Orders, fun(Socket) -> orders(Socket, Style) end) end),
    io:format("ready~n"),
    keep(Style, Started).

%% module: what the processes run. way: how code is exchanged (exchange/2). lingerers: so many processes, the first ones, make local
%% calls only; `all` of them, or none. ask: how a connection asks a process. change_ms: how long code_change takes.
style(qualified) -> (style(plain))#{way => purge};
style(local) -> (style(plain))#{way => load, lingerers => all};
style(purge) -> (style(plain))#{way => purge, lingerers => 1};
style(soft_purge) -> (style(plain))#{way => soft_purge, lingerers => 1};
style(original) -> (style(plain))#{way => purge, module => original};
style(gen_server) -> (style(plain))#{way => release, module => pingserver};
style(gen_server_slow) -> (style(gen_server))#{change_ms => 75, ask => call};
style(gen_server_unconverted) -> (style(gen_server))#{way => purge};
style(plain) -> #{module => pingpong, lingerers => 0, ask => message, change_ms => 0}.

%% --- the processes --------------------------------------------------------------------------------------------------

start(#{module := Module, lingerers := Lingerers}, Id) ->
    Calls = case Lingerers of
        all -> local;
        First when Id < First -> local;
        _ -> qualified
    end,
    Pid = Module:start(Id, erlang:unique_integer([positive]), Calls),
    monitor(process, Pid),
    ets:insert(processes, {Id, Pid}),
    {Pid, Id}.

%% Who dies is started anew, in the code that is current then. What lay in his mailbox is gone, and so is his count.
%% The two of the original test had nobody who did that.
keep(Style, Started) ->
    receive
        {'DOWN', _, process, Pid, Why} ->
            {Id, Others} = maps:take(Pid, Started),
            io:format("process ~b died: ~0p~n", [Id, Why]),
            case Style of
                #{module := original} ->
                    keep(Style, Others);
                _ ->
                    {Anew, Id} = start(Style, Id),
                    keep(Style, Others#{Anew => Id})
            end
    end.

%% --- pings ----------------------------------------------------------------------------------------------------------

accept(Listener, Serve) ->
    {ok, Socket} = gen_tcp:accept(Listener),
    Pid = spawn(fun() -> receive go -> Serve(Socket) end end),
    ok = gen_tcp:controlling_process(Socket, Pid),
    Pid ! go,
    accept(Listener, Serve).

connection(Socket, Style) ->
    inet:setopts(Socket, [{active, 100}]),
    pass_on(Socket, Style).

pass_on(Socket, Style) ->
    receive
        {tcp, Socket, Line} ->
            ping(binary:split(Line, [<<" ">>, <<"\n">>], [global]), Socket, Style),
            pass_on(Socket, Style);
        {pong, {Stream, Seq, Id}, Version, Instance, Count} ->
            Numbers = [[$\s, integer_to_binary(Number)] || Number <- [Id, Version, Instance, Count]],
            gen_tcp:send(Socket, [<<"PONG ">>, Stream, $\s, Seq, Numbers, $\n]),
            pass_on(Socket, Style);
        {tcp_passive, Socket} ->
            connection(Socket, Style);
        {tcp_closed, Socket} ->
            closed;
        {tcp_error, Socket, _} ->
            gen_tcp:close(Socket)
    end.

ping([<<"PING">>, Stream, Seq, Process | _], Socket, Style) ->
    Id = binary_to_integer(Process),
    case ets:member(processes, Id) of
        true -> ask(Style, Id, {Stream, Seq, Id});
        false -> gen_tcp:send(Socket, [<<"ERROR ">>, Stream, $\s, Seq, <<" no such process\n">>])
    end;
ping(_, Socket, _) ->
    gen_tcp:close(Socket).

%% A message is sent and forgotten: whether its process is alive, nobody asks. A call waits for the answer, 100 ms; then it is
%% made again. That the first one may have been carried out all the same, the caller can't know.
ask(#{ask := message}, Id, Ping) ->
    ets:lookup_element(processes, Id, 2) ! {ping, self(), Ping};
ask(#{ask := call} = Style, Id, Ping) ->
    try
        self() ! gen_server:call(ets:lookup_element(processes, Id, 2), {ping, Ping}, 100)
    catch
        exit:{timeout, _} -> ask(Style, Id, Ping)
    end.

%% --- orders ---------------------------------------------------------------------------------------------------------

%% One order per connection. `upgrade N` is answered by `ok` or `error WHY`, by `trigger STREAM SEQ PROCESS` where a ping has set the
%% upgrade off, and by `end`. `stop` ends the node.
orders(Socket, Style) ->
    case gen_tcp:recv(Socket, 0) of
        {ok, <<"upgrade ", Number/binary>>} ->
            Version = binary_to_integer(string:trim(Number)),
            {Result, Trigger} = upgrade(Style, Version),
            gen_tcp:send(Socket, [said(Result), set_off_by(Trigger), <<"end\n">>]),
            [io:format("version ~b is refused: ~0p~n", [Version, Why]) || {error, Why} <- [Result]];
        {ok, <<"stop", _/binary>>} ->
            gen_tcp:send(Socket, <<"end\n">>),
            halt();
        _ ->
            unknown
    end,
    gen_tcp:close(Socket).

said(ok) -> <<"ok\n">>;
said({error, Why}) -> io_lib:format("error ~0p~n", [Why]).

set_off_by(none) -> [];
set_off_by({Stream, Seq, Id}) -> io_lib:format("trigger ~s ~s ~b~n", [Stream, Seq, Id]).

%% gen_servers are upgraded from outside; of all others the last one does it itself, on the next ping that it takes.
upgrade(#{module := pingserver} = Style, Version) ->
    {exchange(Style, Version), none};
upgrade(#{module := Module} = Style, Version) ->
    Last = ets:lookup_element(processes, ets:info(processes, size) - 1, 2),
    Module:upgrade_on_next_ping(Last, self(), fun() -> exchange(Style, Version) end),
    receive
        {upgraded, Ping, Result} ->
            %% who waits for a message is in the old code until one comes
            [Pid ! look_up || {_, Pid} <- ets:tab2list(processes)],
            {Result, Ping}
    end.

%% Erlang keeps two versions of a module: current and old. A load makes the current one old; there must be no old one then.
exchange(#{way := load, module := Module}, Version) ->
    load(Module, Version);
exchange(#{way := purge, module := Module}, Version) ->
    code:purge(Module), % kills who is still in the old code; `l(Module)` in the shell does the same
    load(Module, Version);
exchange(#{way := soft_purge, module := Module}, Version) ->
    case code:soft_purge(Module) of
        true -> load(Module, Version);
        false -> {error, somebody_is_in_the_old_code}
    end;
exchange(#{way := release, module := Module, change_ms := ChangeMs}, Version) ->
    Pids = [Pid || {_, Pid} <- ets:tab2list(processes)],
    [ok = sys:suspend(Pid) || Pid <- Pids],
    Result = exchange(#{way => soft_purge, module => Module}, Version),
    [ok = sys:change_code(Pid, Module, undefined, ChangeMs) || Result =:= ok, Pid <- Pids],
    [ok = sys:resume(Pid) || Pid <- Pids],
    Result.

load(Module, Version) ->
    case code:load_abs(lists:concat(["v", Version, "/", Module])) of
        {module, Module} -> io:format("version ~b is loaded~n", [Version]);
        {error, Why} -> {error, Why}
    end.
