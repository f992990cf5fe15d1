"""Words of the help desk that mean the same in the languages that customers write. Pure.

One incident is reported in several languages and in many wordings, and its tickets have little in common but what they
mean. So the things that software is about, the ways in which it fails, and what people say when it fails for everybody,
are compared by their meaning. Each line is a meaning, followed by the words that express it in English, Spanish,
French, Polish and German: ``word`` is that word alone, ``word*`` each word that begins so, ``two_words`` a phrase. Case
and accents make no difference. The terms are those of support desks in general: no line is about one product.
"""

from collections.abc import Sequence
from typing import Final, TypeAlias

from app.core.text.folding import folded

_THINGS: Final = """
access: access* acceso* acces dostep* zugang* zugriff*
account: account* cuenta* compte* kont* konto*
address: address* direccion* adresse* adres*
admin: admin* owner* propietari* proprietaire* wlasciciel*
agent: agent* agente*
antivirus: antivir* virus* malware* ransomware* spam_filter* quarantin* kwarantann* cuarentena*
api: api apis endpoint* rest sdk request* peticion* requete* zapyta* anfrage*
app: app apps appli* aplikacj* aplicacion* handy* mobile_app* iphone* ipad* ios android* movil smartphone* telefonie
article: articl* product* produkt* produit* sku skus
attachment: attach* adjunt* piece_jointe* pieces_jointes* zalacznik* anhang* anhange*
backup: backup* back_up* backing_up copia* respald* sauvegard* kopi* sicherung* snapshot*
badge: badge* door doors puerta* porte portes drzwi* tur turen key_card*
bank: bank* banc* banque* banco* iban
barcode: barcode* code_barre* codigo_de_barras kod_kreskow* scanner* escaner* skaner* qr
battery: batter* bateria* akku*
booking: booking* reservation* reserv* rezerwacj* buchung* appointment* cita citas rendez* wizyt* termin termine terminy
browser: browser* navegador* navigateur* przegladark* chrome firefox safari
button: button* boton* bouton* przycisk* knopf* schaltflach*
calendar: calendar* kalend*
call: call calls calling caller* called llamada* llamar appel appels telefon* phone* rozmow* polaczenia_telefoniczn*
  anruf* voip sip dial*
camera: camera* webcam* kamer*
campaign: campaign* campagn* campan* kampan* broadcast* difusion* diffusion* newsletter* bulletin* boletin*
cancellation: cancel* anul* annul* stornier* resili* wypowiedz* rezygn* baja_del kundig*
card: card cards tarjeta* cb carte_bancaire carte cartes carte_bleue kart karta karty karte kreditkart* visa mastercard
  terminal* datafono* tpe
cart: cart carts basket* carrito* panier* koszyk* warenkorb* checkout*
certificate: certificat* certyfikat* zertifikat* tls ssl x509 cert certs not_private non_securis* nie_jest_prywatne
  not_secure security_warning no_segur* no_es_segur* nicht_sicher unsafe err_cert
charge: charg* debit* cobr* prelev* preleve* pobran* obciaz* abgebucht* belast* cargo cargos
chart: chart* grafic* graphique* wykres* diagram* graph graphs graphe graphes courbe* slupk* wykres* kurve* diagramm*
  bar_chart* pie_chart* barras kolowy*
chat: chat* conversation* conversacion* konwersacj* whatsapp
cluster: cluster* kubernetes pod pods node nodes nodo* noeud* virtual_machine* vm vms instance* instanc* container*
  hypervisor*
code: code codes codigo* kod kody kodow kodu otp otps jednorazow* one_time 2fa two_factor authenticator
comment: comment_field* comments comentario* commentaire* komentarz* kommentar*
contact: contact* kontakt* lead leads
contract: contract* contrat* umow* vertrag* vertrage*
coupon: coupon* cupon* voucher* gutschein* gift_card* discount* descuento* remise* rabat*
course: course* curso* cours kurs kurse lekcj* lesson* exam examen* egzamin* student* alumno* eleve* uczni* schuler*
cpu: cpu memory ram memoria memoire pamiec* arbeitsspeicher processor* procesor* processeur* procesador* prozessor* fan
  fans ventilat* ventilador* wiatrak* lufter* load_average
customer: customer* client clients cliente* klient* kund* kunde*
dashboard: dashboard* panel paneles pannel* tablero* cuadro_de_mando cuadros_de_mando tableau_de_bord tableaux_de_bord
  tableau tableaux pulpit* board boards kpi kpis
data: data datos donnees dane danych daten figures chiffres cifras zahlen numbers
database: database* base_de_dat* base_de_donn* baza* bazy datenbank* sql postgres* mysql oracle
deployment: build builds pipeline* repository repo repos git
device: device* dispositiv* appareil* urzadzen* gerat* sensor* captor* czujnik*
document: document* dokument*
domain: domain* dominio* domaine* domen* dns
download: download* descarg* telecharg* pobiera* pobrac herunterlad*
drive: drive drives disk* disco* disque* dysk* laufwerk* share shares partage* udostepni* compartid* shared
  network_drive*
driver: driver* route routes ruta* tour touren trasa trasy kierowc* chauffeur* conductor* fahrer*
employee: employee* empleado* salarie* employe* pracowni* mitarbeiter*
event: event* evento* evenement* zdarzen* ereignis* webhook* callback* delivery_event* retours_de_livraison
export: eksport* export*
fax: fax*
field: field fields campo campos champ champs pole feld felder
file: file files fichero* archivo* fichier* plik* datei*
filter: filter* filtr*
folder: folder* carpeta* dossier* katalog* ordner* directory
font: font fonts tipografi* letra_corporativa police_de_car* czcionk* schriftart*
form: form forms formulari* formulaire* formularz* formular*
gps: gps location* ubicacion* localisation* lokalizacj* standort* position*
image: image* imagen* obraz* zdjec* bild bilder photo* foto* picture*
import: import importa* importe* importing imports imported importowa* importi*
invoice: invoic* factur* faktur* rechnung* bill bills billing billed
job: job jobs trabajo_de tache taches zadani* aufgabe* task tasks
key: key keys clave_api cle cles klucz* schlussel*
label: label* etiquet* etykiet* etikett*
language: language* idioma* langue* jezyk* sprache*
licence: licen* lizenz*
link: link links enlace* lien liens odnosnik*
list: list lists lista listas liste listes listy
log: log logs registro registros journal journaux dziennik* protokoll*
login: login* log_into cant_log logowan* inloggen conexion_imposs* connexion_d_entreprise page_de_connexion company_sign
  page_de_login get_in log_in logging_in logged_in log_on sign_in sign_on signing_in signin sso saml oidc idp
  acceso_corporativ* inicio_de_sesion iniciar_sesion entrar connecter identifi* authenti* autenti* uwierzytel* logowa*
  zalogow* anmeld* einlogg* okta entra adfs single_sign* fournisseur_d_identite locked_out company_login wejsc zaloguj*
  auth session sessions sesion sesja sesji sitzung log_me logged_me logs_me logged_out log_out wpuszcza wpusci
  no_puedo_entrar kicked_out thrown_out wyrzuca se_connecter me_connecter no_puedo_acceder
logo: logo*
machine: machine* maquina* maszyn* maschine* robot*
mail: mail* email* e_mail* correo* courriel* poczt* smtp imap outlook gmail skrzynk* postfach inbox buzon* mailing*
  mailow maile e_mailow courriels courrier
map: map maps mapa mapas carte_geographique mapy
meeting: meeting* reunion* spotka* besprech* webinar* videoconf* visio* teleconf*
menu: menu*
message: messag* mensaj* wiadomosc* nachricht*
meter: meter meters contador* compteur* licznik* zahler*
microphone: microphone* microfono* micro mic mikrofon* headset* headphone* casque* auricular* sluchawk*
migration: migra*
network: network* red_local reseau* siec sieci netzwerk* wifi wi_fi lan router* firewall* cortafuego* pare_feu zapor*
  internet_connection
notification: notif* powiadom* benachrichtig* push alert alerts alerta* aviso*
number: phone_number* numero_de_tel* numery numer_tel* rufnummer*
order: order orders ordering pedido* commande commandes zamow* bestell*
page: page pages pagina* seite* strona strony stronie stron site sites sitio* witryn* website* web_site* webseite*
  portal* web
parcel: parcel* paquete* colis paczk* paket* shipment* shipping* envio_postal tracking* livraison* przesylk* sendung*
password: password* contrasen* mot_de_passe mots_de_passe hasl* passwor* kennwort* passphrase*
patient: patient* pacjent* paciente*
payment: pay pays paying payment* paid pago* pagar paie* paye* platnosc* zaplac* zahl* encaissement* cobro*
payroll: payroll* salar* payslip* nomina* fiche_de_paie bulletin_de_paie wynagrodz* wyplat* gehalt* lohn*
pdf: pdf pdfs
permission: permis* rights permisos droits uprawni* berechtig* role roles rol
plan: plan plans subscri* suscripci* abonnement* abonament* abo abos
point_of_sale: till point_of_sale tills pos caja cajas caisse* kasa kasy kasie kasse* register* cash*
price: price* precio* prix cen cena ceny preis*
printer: print* imprim* impres* druk* druck*
profile: profile* perfil* profil*
queue: queue* cola colas kolejk* warteschlang* backlog*
receipt: receipt* recibo* ticket_de_caisse quittung* paragon paragony paragonow paragonu
refund: refund* reembols* rembours* zwrot* erstatt* money_back
registration: registr* inscri* rejestrac* registrier* sign_up signup
report: report* informe* rapport* raport* bericht*
restore: restor* restaur* recover* recuper* przywrac* przywroc* odtwarz* wiederherstell* odtworz* get_back_my zuruckhol*
  wiederherst*
room: room rooms sala salas salle salles sali raum raume
schedul: schedul* programad* programm* harmonogram* zaplanow* geplant*
screen: screen* pantalla* ecran* ekran* bildschirm*
search: search* buscar busqued* busca recherch* szuka* wyszuk* suche suchen
send: send* sent enviar envia* envio* envoy* envoi* wysyl* wysla* senden gesendet* versand* verschick*
server: server* servidor* serveur* serwer*
service: service* servici* uslug* dienst*
shop: shop shops store stores tienda* boutique* sklep* laden filial* branch*
signature: signatur* podpis* unterschrift* hmac
sms: sms smses smsy smsow text_messag* texts texting text_messages wiadomosci_tekstow* text_to texts_to text_to sms_ow
  sms_y textos messages_texte
sound: sound* audio voice* sonido* oye oimos oir muettes muet muets dzwiek* slych* hear hears silen* mudo ensordec* rtp
space: space* espacio* espace* miejsc* speicher* storage* stockage* almacen* quota* cuota* miejsca gigabyte* terabyte*
spam: spam junk indesirable* no_deseado*
stock: stock stocks inventor* inventario* inventaire* magazyn* bestand* lager*
survey: survey* encuesta* sondage* ankiet* umfrage*
sync: sync* synchro* sincron* replica* abgleich*
table: table tables tabla* tabel* tabelle*
tax: tax taxes vat iva tva mwst impuest* impot* podat* steuer*
team: team teams equipo equipos equipe* zespol* mannschaft
temperature: temperatur*
template: template* plantilla* modele* szablon* vorlage*
time_zone: time_zone* timezone* zona_horaria fuseau* stref* zeitzone* daylight clock* zegar*
timesheet: timesheet* clock_in fichaje* pointage* ewidencj* zeiterfass*
token: token* jeton*
transaction: transact* transac* movimient* transakcj* umsatz* statement* extracto* releve* wyciag* operations_bancaires
translation: translat* traduc* tlumacz* ubersetz*
tunnel: vpn tunnel* ipsec wireguard remote_access teletravail* remote_work* teletrabaj* zdaln* home_office
unsubscribe: unsubscrib* desinscri* desabonn* wypis* abmeld*
update: update updates updated_to upgrad* actualizacion aktualizac* mise_a_jour maj release* rollout* new_version*
  deploy*
upload: upload* sub_ir subir sube suben subida* televers* przesla* przesyl* hochlad* ingest*
user: user* usuari* utilisateur* uzytkowni* benutzer* nutzer*
video: video* wideo* picture_frozen stream*
visitor: visitor* visitante* visiteur* odwiedzajac* besucher* guest* invitado* invite_mail* invitation* invitaci*
  zaprosz* einladung* invites invite_link
warehouse: warehouse* almacenes entrepot*
widget: widget* iframe* embed* incrust* osadz*
workspace: workspace* espacio_de_trabajo espace_de_travail
xlsx: xlsx xls excel csv spreadsheet* hoja_de_calculo arkusz* tableur*
"""
"""What software and its customers are about."""
_SIGNS: Final = """
blank: blank* white weiss* blanc blanche blanco bial*
crash: crash* plant plante plantage* plantent cierra_sola cierra_solo se_ferme ferme_tout wylacza absturz* sturzt*
  closes_right_after closes_itself dies quits bricht_ab
declined: declin* not_accept* no_acepta* nie_przyjmuje n_accept* wont_take rechaz* refus* reject* odrzuc* abgelehn*
  ablehn* denied dened*
disconnect: disconn* desconect* deconn* rozlacz* zrywa* getrennt drops dropping dropped drop flap* kick* coupe coupent
  coupure* corta cortan corte abbruch* bricht* kicked echa
duplicate: double* doble* duplic* dupl* podwoj* doppelt* twice two_times dos_veces deux_fois dwa_razy dwukrot* zweimal
  2_fois two_invoices deux_factures dos_facturas
error: error* erreur* fehler* blad bledy bledem bledow exception*
expired: expir* caduc* vencid* perime* wygas* abgelauf*
fail: fail* falla* fallo* fallan fall echec* echou* echoue* niepowodz* nieudan* scheit* fehlgeschlag* broken broke
  kaputt defekt* pada padaja zepsut* rot rojo rouge czerwon* unsuccessful* abort* turned_red red_x red_everywhere
  all_red
gateway: 502 503 504 500 bad_gateway gateway_time_out gateway_timeout gateway* passerelle* pasarela* bramk* bramy bramie
  service_unavailable
late: late delay* retras* retard* opozn* verspat* verzoger* spat later trickl* tarda tardan tardiv* godzinnym
locked: lock locks locked bloque* bloqu* zablok* gesperr* block* suspend* suspen* under_review en_revision
  en_cours_d_examen w_trakcie_weryfikacji ausgesetzt uberpruf* zawieszono zawieszone zawieszony
loop: loop* bucle* boucle* petl* w_kolko schleife* round_and_round redirect* redirecc* redirig* przekierow* weiterleit*
  tourne_dans_le_vide spins spinning
missing: missing* not_there nie_ma no_hay falt* manqu* brak brakuje fehlt* fehlen* lost perdid* perdu* utrac* verloren*
  disappear* vanish* desapar* dispar* znik* verschwund* verschwind* gone empty vaci* vide vides pust* leer leere
  nothing_in zero_opens shows_zero
slow: slow* lent* wolno powoln* langsam* sluggish crawl* takes_forever ewig rame rament mula muli hog* unresponsive
  zamul* trag* zah zwaln* ralenti* ruckel*
stale: stale outdated desactualiz* nieaktual* veraltet* yesterday* ayer anoche hier wczoraj* gestern frozen congelad*
  fige* stoi stoja stoi_w_miejscu hasnt_moved not_updat* no_se_actualiz* pas_a_jour ne_se_met not_refresh* last_updated
  old_data
stuck: stuck pending pendient* attente oczekuj* ausstehend* hang* cuelg* colgad* atascad* coinc* utkn* steckt hangt
  zawies* freez* queued spinner wisi wisza stall* parado* parada* paralizad* processing procesando przetwarzan*
  stands_still sits_at sits_there going_nowhere zero_percent bewegt_sich stehen_still en_suspens
timeout: timeout* time_out timed_out times_out agotad* przekrocz* zeituberschreit* delai_depasse
unable: cant cannot can_not couldnt unable wont not_work* doesnt_work dont_work isnt_working stopp* stopped_working
  no_longer_work* not_going_through dont_go* doesnt_go not_possible impossib* imposib* no_puedo no_podemos no_puede
  no_pueden no_se_puede* no_hay_manera no_hay_forma no_deja no_me_deja no_funciona* ha_dejado no_va no_sale no_salen
  no_abre no_pasan no_entra no_entran no_conecta no_sube no_suben no_genera se_genera ne_marche* ne_fonctionn* ne_peut
  ne_peux ne_peuvent ne_pouvons peut_plus peux_plus ne_sort ne_passe* ne_part* n_arrive* ne_se plus_aucun* plus_de_son
  plus_moyen nie_mozna nie_moge nie_mozemy nie_moga nie_da_sie nie_dziala* nie_przechodz* nie_przyjmuj* nie_otwier*
  nie_da niemozliw* geht_nicht gehen_nicht kann_nicht konnen_nicht nicht_moglich funktioniert_nicht nothing_works
  nothing_opens does_not* do_not_work did_not_complet* not_export* not_open* not_load* not_print* not_one_works
undelivered: get_no gets_no got_no dont_get doesnt_get didnt_get not_getting no_recib* ne_recev* not_deliver* undeliver*
  dont_arriv* not_arriv* doesnt_arriv* never_arriv* no_llega* not_reach_customers brak_doreczen* nie_doch* nie_przych*
  deliver* llega llegan llego arriv* przychodz* przyszl* dochodz* dotar* dotr* dorecz* ankomm* zugestell* entreg* livre
  livres recib* recev* receiv* recu recoi* otrzym* erhalt* nie_dostaj* nobody_receives nobody_gets nobody_got
  no_one_receives nothing_arriv* nothing_has nothing_received never_shows never_came not_come didnt_come hasnt_come
  havent_come havent_had plus_rien nie_wychodz* nie_wysyl* not_going_out dont_go_out doesnt_go_out not_leaving
  kommt_nicht kommen_nicht nicht_an no_les_entra ne_recoi* nie_dociera* nie_dotar* no_me_llega no_nos_llega sin_recibir
unreachable: unreach* not_reach* cant_reach cant_reach cannot_reach not_respond* no_respond* ne_repond* repond_pas
  nie_odpowiad* unavailab* not_available indisponib* no_disponib* inaccessib* inaccesib* niedostep* nicht_erreichb*
  erreichbar* offline hors_ligne sin_conexion injoignab* down dead caida caido caidos caidas en_panne hs unerreichb*
  not_loading no_carga cant_get_to lost_access brak_dostep* wont_open doesnt_open kein_zugriff nie_wchodzi nie_laduj*
  nie_otwiera* ladt_nicht does_not_load doesnt_load wont_load page_not_found
wrong: wrong* invalid* mismatch* incorrec* erron* mal_calculad* mauvais* blednie bledna bledny bledne nieprawid* falsch*
  zla zle equivocad* faux fausse differ differs different difference* distint* diferent* differen* unterschied*
  no_cuadra* ne_correspond* nie_zgadza* do_not_match dont_match doesnt_match does_not_match corrupt* uszkodz* checksum
  beschadigt* off_by inna inny inne bailan stimmt_nicht stimmen_nicht keeps_changing changes_every
"""
"""How something fails."""
_EVERYBODY: Final = """
everybody: all every everybody everyone everything everywhere whole entire none nobody no_one not_a_single not_one toda
  todas todo todos ningun ninguna ninguno nadie cualquier tous toutes tout toute aucun aucune personne ensemble partout
  wszysc* wszyst* zaden zadna zadne zadnych nikt kazdy kazdego kazdej nikogo alle alles keine keiner niemand jeder jede
  nothing nada rien nic our_customers colleagues collegues colegas companeros kollegen koledzy general_outage generale
  each cada_equipo all_our all_of_our in_all staff people none_of not_any idem pareil to_samo same_thing same_here
  lo_mismo la_meme_chose dasselbe whole_team whole_office whole_company departament* todo_el toute_l all_sites
  all_tenants multiple_customers wszedzie uberall todas_partes
outage: outage* downtime status_page incident* incidenci* averi* awari* panne* ausfall* storung* interruption*
  known_problem known_issue your_side your_end vuestro_lado de_su_parte votre_cote eta when_will quand_sera
  changed_nothing nothing_changed rien_change no_hemos_cambiado nic_nie_zmien* nichts_geander* restablec* retablis*
  compensat* sla p1 is_it_being_fixed is_it_fixed third_outage again_down caida_del_servicio retabli ponownie
  regression* regresj* rollback roll_back rolled_back cofnie* cofna* revenir_a volver_a_la previous_version wdrozeni*
  broken_at_your de_votre_cote po_waszej_stronie u_was bei_ihnen chez_vous caida todays_release
since: since desde_las desde_hace desde_esta desde_que_se desde_primera desde_el_mediodia depuis_ce this_morning hoy
  esta_manana aujourd_hui ce_matin od_rana dzis dzisiaj dzisiejsz* heute seit minutes_ago half_an_hour an_hour one_hour
  une_heure una_hora godzin* ostatniej_nocy last_night anoche cette_nuit heure_et_demie suddenly de_repente soudain
  nagle plotzlich right_now at_the_moment no_longer worked_yesterday since_lunch od_ok od_wczoraj od_dzis depuis_hier
  all_morning toda_la_manana today ayer_funcionaba all_day since_noon since_midnight after_the_update since_the_update
  since_todays depuis_la_mise seit_heute seit_gestern seit_heute_morgen overnight od_godziny depuis_quelques
  depuis_le_debut depuis_le_milieu desde_ayer hace_un_rato hace_una_hora un_rato this_afternoon cet_apres esta_tarde
  po_poludniu hours_now for_the_last for_an_hour for_hours minutes_now still_not still_failing still_down still_broken
  nadal toujours_pas toujours_impossible immer_noch sigue_sin siguen_sin just_now since_about seit_etwa seit_einer
  desde_primera_hora od_kilku
"""
"""That it fails for everybody, since a moment ago, and is thought to be an outage."""
_ASKING: Final = """
asking: how_do how_can how_to how_long how_many how_much can_we can_i can_you could_you_add where_do where_can where_is
  where_are which what_is_the is_there is_it_possible do_you_have do_you_offer would_like we_want want_to please_add
  please_tell please_send_me we_need i_need need_a need_the planned prosze_o_fakture necesito necesitamos need_to_know
  do_we_have_to should_we is_it_normal how_does how_is how_would what_paperwork does_your does_it do_you faut_il dois_je
  puis_je comment_faire se_puede se_pueden como donde existe quiero queremos quisiera me_gustaria necesitamos_cambiar
  ofrecen comment peut_on est_il est_ce_prevu est_il_prevu prevu pouvez_vous_fournir ou_est nous_voulons souhait* jak
  gdzie czy_mozna czy_jest czy_prowadzicie chcemy chce potrzebujemy prosimy_o jaki jakie ile wie_kann wie kann_man
  konnen_wir gibt_es wir_mochten quote trial cosmetic* estetic* esthetique kosmetycz* would_be_nice feature_request
  suggestion* sugerenc* propozycj* vorschlag funny typo literowk* could_you could_we would_it is_anything
  is_there_anything do_i_need anything_like possible_to any_chance any_plans planned_for podriais podrian serait_il
  avez_vous y_a_t_il macie_moze czy_da_sie da_sie czy_macie_w cuanto combien ile_koszt* kosztuje
"""
"""That somebody asks or requests something."""
_NARROW: Final = """
older: for_weeks two_weeks for_months weeks_ago months_ago last_week last_month since_friday since_the_weekend
  since_january every_night every_day each_night every_week always_fails again_and_again since_this_month depuis_janvier
  depuis_dimanche depuis_samedi depuis_vendredi depuis_des chaque_jour chaque_matin chaque_nuit chaque_semaine
  tous_les_jours tous_les_matins la_semaine_derniere desde_el_viernes desde_enero cada_dia cada_noche hace_semanas
  hace_meses la_semana_pasada el_mes_pasado el_viernes co_tydzien codziennie od_tygodnia od_miesiaca od_stycznia
  w_zeszlym w_piatek w_weekend seit_wochen jede_nacht letzte_woche since_2022 weekly nightly days weeks months dias
  semanas meses jours semaines tygodni tygodniach miesiecy dni wochen monate monaten tagen every_evening every_morning
  co_wieczor co_rano cada_tarde chaque_soir jeden_abend nearly_every almost_every first_of_the_month cada_manana
  at_the_weekend years
own: since_we* since_i* after_i* after_we* we_moved we_changed we_swapped i_changed our_migration new_firewall
  new_router new_phone new_pc new_computer new_server i_deleted i_wiped we_renamed we_switched replacement_computer
  depuis_que_nous depuis_notre depuis_que_j nous_avons_change j_ai_installe j_ai_supprim* desde_que_cambi*
  hemos_cambiado_de borre he_borrado nuevo_ordenador nowy_serwer* nowym_serwer* odkad* po_zmianie zmienilismy seit_wir
  wir_haben_gewechselt our_own reorganis* by_mistake accidental* sin_querer par_erreur przez_pomylke my_old
apart: nothing_to_do unrelated not_related different_issue different_problem different_matter others_seem i_know_there
  not_the_one not_the_same not_that_outage nada_que_ver rien_a_voir nic_wspolnego nichts_zu_tun nie_chodzi_o no_es_por
  ce_n_est_pas_la separate_issue separate_matter otro_problema autre_probleme anderes_problem inny_problem inna_sprawa
single: one_user one_of_our one_of_my one_pc one_machine one_laptop one_server one_file one_customer only_on only_one
  only_happens only_in single_user a_colleague_gets everybody_else everyone_else others_can other_users_can apart_from
  except_for another_pc other_machines un_seul une_seule un_usuario un_solo una_sola solo_en solo_me a_un_usuario
  un_cliente una_clienta jeden_uzytkown* jednym jednej tylko_na tylko_u z_innych nur_bei ein_benutzer nur_auf
  others_work the_others ma_collegue_elle les_autres los_demas sans_souci_ailleurs
"""
"""That it concerns one of many, for a long time, or since something that the customer has done."""
_KINDS: Final = {"thing": _THINGS, "sign": _SIGNS, "everybody": _EVERYBODY, "asking": _ASKING, "narrow": _NARROW}
Phrase: TypeAlias = tuple[tuple[str, ...], bool, str]
"""Words that follow each other, whether the last is the beginning of a word, and what they mean."""


def _read() -> tuple[dict[str, str], dict[str, str], dict[str, list[Phrase]]]:
    words: dict[str, str] = {}
    beginnings: dict[str, str] = {}
    phrases: dict[str, list[Phrase]] = {}
    for kind, lines in _KINDS.items():
        for line in lines.replace("\n  ", " ").strip().splitlines():
            name, terms = line.split(":", 1)
            for term in folded(terms).split():
                *first, last = term.rstrip("*").split("_")
                meaning, open_ended = f"{kind}:{name}", term.endswith("*")
                if first:
                    phrases.setdefault(first[0], []).append(((*first, last), open_ended, meaning))
                else:
                    (beginnings if open_ended else words).setdefault(last, meaning)
    return words, beginnings, {first: sorted(each, key=_longest_first) for first, each in phrases.items()}


def _longest_first(phrase: Phrase) -> tuple[int, bool]:
    return -len(phrase[0]), phrase[1]


_WORDS, _BEGINNINGS, _PHRASES = _read()
_LONGEST: Final = max(map(len, _BEGINNINGS))
_SHORTEST: Final = min(map(len, _BEGINNINGS))


def meaning_of(word: str) -> str | None:
    """What a folded word means, as kind and name (``sign:fail``); None where the list does not know it."""
    if word in _WORDS:
        return _WORDS[word]
    for length in range(min(len(word), _LONGEST), _SHORTEST - 1, -1):
        if (meaning := _BEGINNINGS.get(word[:length])) is not None:
            return meaning
    return None


def phrase_at(words: Sequence[str], place: int) -> tuple[str, int] | None:
    """What the longest known phrase that begins at this place means, and its number of words."""
    for phrase, open_ended, meaning in _PHRASES.get(words[place], ()):
        *first, last = words[place : place + len(phrase)]
        if (*first,) == phrase[:-1] and (last.startswith(phrase[-1]) if open_ended else last == phrase[-1]):
            return meaning, len(phrase)
    return None
